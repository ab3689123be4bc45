"""MNIST, Fashion-MNIST, Olivetti, UCI tables: from the folder `RAIKERAS_DATA` or the network.

The folder holds `mnist/` and `fashion-mnist/` with the four official files each
(`train-images-idx3-ubyte.gz`, ...), `olivetti/olivettifaces.mat` and `uci/concrete.txt` and others,
and may hold a `SHA256SUMS` that they have to match. Without the variable, Keras downloads the same
data once and keeps it, and so does scikit-learn with the UCI tables.
"""

import gzip
import hashlib
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from raikeras.datasets import uci_tables as _uci

# Inputs and targets, `(x, y)`, of the training data and of the test data.
Parts = tuple[tuple[np.ndarray, np.ndarray], ...]

VARIABLE = "RAIKERAS_DATA"
_PARTS = ("train", "t10k")
_UINT8 = 8  # the idx format's code of unsigned bytes
_FACES = "https://cs.nyu.edu/~roweis/data/olivettifaces.mat"
_FACES_SHA256 = "b1988d02c72fe5b8ee82b5ef3bb7982eafc74f1e1ff0ae0ade35061ad0af534d"
# Codes of the MATLAB 5 format: what an element holds.
_MAT_UINT8, _MAT_MATRIX, _MAT_COMPRESSED = 2, 14, 15


def fashion_mnist() -> Parts:
    """Fashion-MNIST: 60,000 and 10,000 grey images of ten kinds of clothing, 28 x 28.

    Returns:
        `((x_train, y_train), (x_test, y_test))`, uint8 arrays of shape `(60000, 28, 28)`,
        `(60000,)`, `(10000, 28, 28)` and `(10000,)`.

    Raises:
        FileNotFoundError: `RAIKERAS_DATA` is set and a file is not there.
        ValueError: `RAIKERAS_DATA` is set and a file is damaged.
        ConnectionError: `RAIKERAS_DATA` is not set and the download failed.

    Example:

    ```python
    (x_train, y_train), (x_test, y_test) = raikeras.datasets.fashion_mnist()
    ```
    """
    return _load("fashion-mnist", keras.datasets.fashion_mnist.load_data)


def mnist() -> Parts:
    """MNIST: 60,000 and 10,000 grey images of handwritten digits, 28 x 28.

    Returns:
        `((x_train, y_train), (x_test, y_test))`, uint8 arrays of shape `(60000, 28, 28)`,
        `(60000,)`, `(10000, 28, 28)` and `(10000,)`.

    Raises:
        FileNotFoundError: `RAIKERAS_DATA` is set and a file is not there.
        ValueError: `RAIKERAS_DATA` is set and a file is damaged.
        ConnectionError: `RAIKERAS_DATA` is not set and the download failed.
    """
    return _load("mnist", keras.datasets.mnist.load_data)


def olivetti() -> tuple[np.ndarray, np.ndarray]:
    """The Olivetti faces: ten grey images each of 40 persons, 64 x 64, person after person.

    Credit: AT&T Laboratories Cambridge. The data have no split of their own.

    Returns:
        `(images, persons)`, uint8 arrays of shape `(400, 64, 64)` and `(400,)`.

    Raises:
        FileNotFoundError: `RAIKERAS_DATA` is set and the file is not there.
        ValueError: `RAIKERAS_DATA` is set and the file is damaged.
        ConnectionError: `RAIKERAS_DATA` is not set and the download failed.

    Example:

    ```python
    images, persons = raikeras.datasets.olivetti()
    ```
    """
    folder = os.environ.get(VARIABLE)
    file = Path(folder or "", "olivetti", "olivettifaces.mat")
    if folder:
        content = _read(Path(folder), file)
    else:
        content = _downloaded("olivetti", _download_faces).read_bytes()
    images = _faces(file, content).reshape(400, 64, 64).transpose(0, 2, 1)  # columns come first
    return np.ascontiguousarray(images), np.repeat(np.arange(40, dtype=np.uint8), 10)


def _download_faces() -> Path:
    return Path(keras.utils.get_file("olivettifaces.mat", _FACES, file_hash=_FACES_SHA256))


def uci(name: str, split: int) -> Parts:
    """A UCI regression table in one of its 20 standard splits, nine tenths for training.

    The splits of the Bayesian-network literature (Hernandez-Lobato & Adams, 2015; Gal &
    Ghahramani, 2016), drawn again by their rule; a checksum guards the rows' order. In `energy`
    the target is the heating load. Nothing is standardised.

    Args:
        name: "concrete", "energy", "kin8nm", "power-plant" or "wine-quality-red".
        split: Integer from 0 to 19.

    Returns:
        `((x_train, y_train), (x_test, y_test))`, float64 arrays of shapes `(rows, features)` and
        `(rows,)`.

    Raises:
        FileNotFoundError: `RAIKERAS_DATA` is set and the file is not there, or it is not set and
            the table (power-plant) is nowhere else.
        ValueError: The name or split is unknown, or the table is damaged or in another order.
        ImportError: `RAIKERAS_DATA` is not set and scikit-learn, which downloads, is missing.
        ConnectionError: `RAIKERAS_DATA` is not set and the download failed.

    Example:

    ```python
    (x_train, y_train), (x_test, y_test) = raikeras.datasets.uci("concrete", split=0)
    ```
    """
    _uci.table(name)
    folder = os.environ.get(VARIABLE)
    if folder:
        file = Path(folder, "uci", f"{name}.txt")
        values = _uci.parsed(name, _read(Path(folder), file), str(file))
    else:
        values = _uci.from_openml(name)
    parts = _uci.standard_split(len(values), split)
    return tuple((values[rows, :-1], values[rows, -1]) for rows in parts)


def _faces(file: Path, content: bytes) -> np.ndarray:
    """The values of the matrix `faces` in a compressed MATLAB 5 file, one column after another."""
    try:
        for kind, element in _elements(content[128:]):
            if kind != _MAT_COMPRESSED:
                continue
            ((kind, matrix),) = _elements(zlib.decompress(element))
            parts = _elements(matrix) if kind == _MAT_MATRIX else []  # flags, shape, name, values
            if len(parts) == 4 and parts[2][1] == b"faces" and parts[3][0] == _MAT_UINT8:
                return np.frombuffer(parts[3][1], np.uint8, count=400 * 64 * 64)
    except (ValueError, zlib.error, struct.error) as error:
        raise _damaged(file, f"what is no MATLAB 5 file: {error}") from error
    raise _damaged(file, "no matrix `faces` of unsigned bytes in it")


def _elements(content: bytes) -> list[tuple[int, bytes]]:
    """Type and content of each element in a stretch of a MATLAB 5 file."""
    found, start = [], 0
    while start < len(content):
        kind, size = struct.unpack_from("<II", content, start)
        if kind >> 16:  # up to four bytes lie in the tag itself
            kind, size, start = kind & 0xFFFF, kind >> 16, start - 4
        element = content[start + 8 : start + 8 + size]
        if len(element) != size:
            raise ValueError(f"an element of {size} bytes of which {len(element)} are there")
        found.append((kind, element))
        start += 8 + size
        if kind != _MAT_COMPRESSED:
            start += -start % 8  # padded to multiples of eight bytes
    return found


def _load(name: str, download: Callable[[], Any]) -> Parts:
    """A data set by the name of its folder; a folder that is named is never passed over."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return _downloaded(name, download)
    return tuple(_part(Path(folder), name, part) for part in _PARTS)


def _downloaded(name: str, download: Callable[[], Any]) -> Any:
    try:
        return download()
    except Exception as error:  # Keras raises a bare Exception where the network fails
        raise ConnectionError(
            f"{name} must be downloaded once, which failed. Connect to the network, or put its "
            f"files into FOLDER/{name} and set {VARIABLE}=FOLDER. Received: {error}"
        ) from error


def _part(folder: Path, name: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of the training or the test data."""
    images, labels = folder / name / f"{part}-images", folder / name / f"{part}-labels"
    images, labels = Path(f"{images}-idx3-ubyte.gz"), Path(f"{labels}-idx1-ubyte.gz")
    x, y = _array(folder, images, 3), _array(folder, labels, 1)
    if len(x) != len(y):
        raise _damaged(labels, f"{len(y)} labels for the {len(x)} images in {images.name}")
    return x, y


def _read(folder: Path, file: Path) -> bytes:
    """A file's content, held against the folder's checksums."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise FileNotFoundError(
            f"{file} must be there and readable, for {VARIABLE}={folder} names the folder to read "
            f"data from. Put the official file there, or unset {VARIABLE} to have Keras download "
            f"it. Received: {error.strerror}"
        ) from error
    expected = _checksum(folder, file)
    if expected not in (None, hashlib.sha256(content).hexdigest()):
        raise _damaged(file, f"a checksum other than in {folder / 'SHA256SUMS'}")
    return content


def _array(folder: Path, file: Path, rank: int) -> np.ndarray:
    """The uint8 array of `rank` axes in a compressed idx file."""
    packed = _read(folder, file)
    try:
        raw = gzip.decompress(packed)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(file, f"what gzip cannot read: {error}") from error
    start = 4 + 4 * rank
    shape = tuple(np.frombuffer(raw[4:start].ljust(4 * rank, b"\0"), ">u4").tolist())
    if raw[:4] != bytes((0, 0, _UINT8, rank)):
        raise _damaged(file, f"the first bytes {raw[:4].hex()}, no idx file of {rank} axes")
    if len(raw) - start != np.prod(shape, dtype=int):
        raise _damaged(file, f"{len(raw) - start} values for the shape {shape} in its header")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()


def _checksum(folder: Path, file: Path) -> str | None:
    """What the folder's SHA256SUMS says of a file, if it has one that names it."""
    sums = folder / "SHA256SUMS"
    lines = sums.read_text("utf-8").splitlines() if sums.is_file() else []
    known = {path.lstrip(" *"): digest for digest, _, path in (s.partition(" ") for s in lines)}
    return known.get(file.relative_to(folder).as_posix())


def _damaged(file: Path, received: str) -> ValueError:
    return ValueError(
        f"{file} must be the whole, official file. Copy it again. Received: {received}"
    )
