"""MNIST and Fashion-MNIST from the folder that `RAIKERAS_DATA` names, or from the network.

The folder holds `mnist/` and `fashion-mnist/` with the four official files each
(`train-images-idx3-ubyte.gz`, ...), and may hold a `SHA256SUMS` that they have to match. Without
the variable, Keras downloads the same data once and keeps it.
"""

import gzip
import hashlib
import os
import zlib
from pathlib import Path

import keras
import numpy as np

VARIABLE = "RAIKERAS_DATA"
_PARTS = ("train", "t10k")
_UINT8 = 8  # the idx format's code of unsigned bytes


def fashion_mnist():
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


def mnist():
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


def _load(name: str, download):
    """A data set by the name of its folder; a folder that is named is never passed over."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return _downloaded(name, download)
    return tuple(_part(Path(folder), name, part) for part in _PARTS)


def _downloaded(name: str, download):
    try:
        return download()
    except Exception as error:  # Keras raises a bare Exception where the network fails
        raise ConnectionError(
            f"{name} must be downloaded once, which failed. Connect to the network, or put its "
            f"four files into FOLDER/{name} and set {VARIABLE}=FOLDER. Received: {error}"
        ) from error


def _part(folder: Path, name: str, part: str):
    """Images and labels of the training or the test data."""
    images, labels = folder / name / f"{part}-images", folder / name / f"{part}-labels"
    images, labels = Path(f"{images}-idx3-ubyte.gz"), Path(f"{labels}-idx1-ubyte.gz")
    x, y = _array(folder, images, 3), _array(folder, labels, 1)
    if len(x) != len(y):
        raise _damaged(labels, f"{len(y)} labels for the {len(x)} images in {images.name}")
    return x, y


def _array(folder: Path, file: Path, rank: int) -> np.ndarray:
    """The uint8 array of `rank` axes in a compressed idx file."""
    try:
        packed = file.read_bytes()
    except OSError as error:
        raise FileNotFoundError(
            f"{file} must be there and readable, for {VARIABLE}={folder} names the folder to read "
            f"data from. Put the official file there, or unset {VARIABLE} to have Keras download "
            f"it. Received: {error.strerror}"
        ) from error
    expected = _checksum(folder, file)
    if expected not in (None, hashlib.sha256(packed).hexdigest()):
        raise _damaged(file, f"a checksum other than in {folder / 'SHA256SUMS'}")
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
        f"{file} must be a whole, official idx file. Copy it again. Received: {received}"
    )
