"""Loaders read idx files from RAIKERAS_DATA, name what is wrong with them and never fall back."""

import gzip
import hashlib
import os
import re
import struct
import zlib

import keras
import numpy as np
import pytest

from raikeras import datasets

LOADERS = {"fashion-mnist": datasets.fashion_mnist, "mnist": datasets.mnist}
KERAS = {"fashion-mnist": keras.datasets.fashion_mnist, "mnist": keras.datasets.mnist}


def idx(array):
    """An array in the idx format, written from its definition."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(order="C"))


@pytest.fixture(params=LOADERS)
def name(request):
    return request.param


@pytest.fixture
def written(tmp_path, monkeypatch, name):
    """A folder with a tiny data set, named by RAIKERAS_DATA; the network is out of reach."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 5), ("t10k", 3)):
        arrays[f"{part}-images-idx3"] = rng.integers(0, 256, (count, 2, 3), dtype=np.uint8)
        arrays[f"{part}-labels-idx1"] = rng.integers(0, 10, count, dtype=np.uint8)
    (tmp_path / name).mkdir()
    for key, array in arrays.items():
        (tmp_path / name / f"{key}-ubyte.gz").write_bytes(idx(array))
    monkeypatch.setenv("RAIKERAS_DATA", str(tmp_path))
    monkeypatch.setattr(KERAS[name], "load_data", lambda: pytest.fail("it fell back"))
    return tmp_path, arrays


def test_arrays_are_those_of_the_files(written, name):
    _, arrays = written
    train, test = LOADERS[name]()
    for (x, y), part in ((train, "train"), (test, "t10k")):
        np.testing.assert_array_equal(x, arrays[f"{part}-images-idx3"])
        np.testing.assert_array_equal(y, arrays[f"{part}-labels-idx1"])
        assert x.dtype == y.dtype == np.uint8
        x += 1  # writable


def test_missing_file_is_named_and_nothing_is_downloaded(written, name):
    file = written[0] / name / "t10k-labels-idx1-ubyte.gz"
    file.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(str(file)) + ".*unset RAIKERAS_DATA"):
        LOADERS[name]()


def damage(kind, content):
    raw = gzip.decompress(content)
    return {
        "cut off": content[:-9],
        "flipped bit": content[:-12] + bytes([content[-12] ^ 1]) + content[-11:],
        "no gzip": b"<html>not found</html>",
        "empty": b"",
        "header alone": gzip.compress(raw[:6]),
        "values missing": gzip.compress(raw[:-1]),
        "too many values": gzip.compress(raw + b"\0"),
        "floats": gzip.compress(raw[:2] + b"\x0d" + raw[3:]),
        "labels": idx(np.zeros(5, np.uint8)),
    }[kind]


@pytest.mark.parametrize(
    "kind",
    ["cut off", "flipped bit", "no gzip", "empty", "header alone", "values missing"]
    + ["too many values", "floats", "labels"],
)
def test_damaged_file_is_named(written, name, kind):
    file = written[0] / name / "train-images-idx3-ubyte.gz"
    file.write_bytes(damage(kind, file.read_bytes()))
    with pytest.raises(ValueError, match=re.escape(str(file)) + ".*Copy it again. Received: "):
        LOADERS[name]()


def test_number_of_labels_has_to_fit(written, name):
    file = written[0] / name / "train-labels-idx1-ubyte.gz"
    file.write_bytes(idx(np.zeros(4, np.uint8)))
    with pytest.raises(ValueError, match="4 labels for the 5 images"):
        LOADERS[name]()


def test_checksums_in_the_folder_are_held(written, name):
    folder, _ = written
    file = folder / name / "train-labels-idx1-ubyte.gz"
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    (folder / "SHA256SUMS").write_text(f"{right}  {name}/{file.name}\n")
    LOADERS[name]()
    (folder / "SHA256SUMS").write_text(f"{right[::-1]}  {name}/{file.name}\n")
    with pytest.raises(ValueError, match=re.escape(str(file)) + ".*SHA256SUMS"):
        LOADERS[name]()


def test_without_the_variable_keras_loads_and_a_failure_says_what_to_do(monkeypatch, name):
    monkeypatch.delenv("RAIKERAS_DATA", raising=False)
    monkeypatch.setattr(KERAS[name], "load_data", lambda: "Keras' own")
    assert LOADERS[name]() == "Keras' own"

    def fails():
        raise Exception("URL fetch failure on https://...: None -- unreachable")

    monkeypatch.setattr(KERAS[name], "load_data", fails)
    with pytest.raises(ConnectionError, match="set RAIKERAS_DATA=FOLDER.*URL fetch failure"):
        LOADERS[name]()


@pytest.mark.skipif(not os.environ.get("RAIKERAS_DATA"), reason="RAIKERAS_DATA is not set")
@pytest.mark.parametrize("name, means", [("fashion-mnist", (72.9404, 73.1466))])
def test_the_real_set_is_the_published_one(name, means):
    (x_train, y_train), (x_test, y_test) = LOADERS[name]()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert (x_train.mean().round(4), x_test.mean().round(4)) == means
    assert np.bincount(y_train).tolist() == [6000] * 10
    assert np.bincount(y_test).tolist() == [1000] * 10


# The Olivetti faces


def element(kind, content):
    """An element of a MATLAB 5 file, padded to eight bytes, written from its definition."""
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def mat(name, values, shape):
    """A compressed matrix of unsigned bytes; a name of four letters lies in its tag."""
    tag = element(1, name) if len(name) > 4 else struct.pack("<HH4s", 1, len(name), name)
    flags, dimensions = struct.pack("<II", 9, 0), struct.pack("<ii", *shape)
    parts = element(6, flags) + element(5, dimensions) + tag + element(2, values)
    packed = zlib.compress(element(14, parts))
    return struct.pack("<II", 15, len(packed)) + packed


@pytest.fixture
def faces(tmp_path, monkeypatch):
    """A folder with made-up faces behind another matrix, the file and the matrix in it."""
    matrix = np.random.default_rng(0).integers(0, 256, (4096, 400), dtype=np.uint8)
    content = bytes(128) + mat(b"p", bytes(12), (1, 12))
    content += mat(b"faces", matrix.tobytes(order="F"), matrix.shape)
    file = tmp_path / "olivetti" / "olivettifaces.mat"
    file.parent.mkdir()
    file.write_bytes(content)
    monkeypatch.setenv("RAIKERAS_DATA", str(tmp_path))
    monkeypatch.setattr(keras.utils, "get_file", lambda *a, **k: pytest.fail("it fell back"))
    return file, matrix


def test_faces_are_the_columns_of_the_matrix_each_written_by_columns(faces):
    images, persons = datasets.olivetti()
    for number in (0, 7, 399):
        np.testing.assert_array_equal(images[number].T.ravel(), faces[1][:, number])
    assert images.dtype == persons.dtype == np.uint8
    assert persons.tolist() == [number // 10 for number in range(400)]
    images += 1  # writable


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-9],
        lambda content: content[:-12] + bytes([content[-12] ^ 1]) + content[-11:],
        lambda content: b"",
        lambda content: b"<html>not found</html>" * 20,
        lambda content: content[:128] + mat(b"faces", bytes(64), (8, 8)),
    ],
    ids=["cut off", "flipped bit", "empty", "no matrix", "small"],
)
def test_damaged_faces_are_named(faces, change):
    faces[0].write_bytes(change(faces[0].read_bytes()))
    with pytest.raises(ValueError, match=re.escape(str(faces[0])) + ".*Copy it again. Received: "):
        datasets.olivetti()


def test_missing_faces_are_named(faces):
    faces[0].unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(str(faces[0])) + ".*unset RAIKERAS_DATA"):
        datasets.olivetti()


def test_faces_are_downloaded_where_no_folder_is_named(faces, monkeypatch):
    monkeypatch.delenv("RAIKERAS_DATA")
    monkeypatch.setattr(keras.utils, "get_file", lambda *a, file_hash: str(faces[0]))
    assert datasets.olivetti()[0].shape == (400, 64, 64)

    def fails(*words, file_hash):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.utils, "get_file", fails)
    with pytest.raises(ConnectionError, match="FOLDER/olivetti.*URL fetch failure"):
        datasets.olivetti()


@pytest.mark.skipif(not os.environ.get("RAIKERAS_DATA"), reason="RAIKERAS_DATA is not set")
def test_the_real_faces_are_the_published_ones():
    images, _ = datasets.olivetti()
    scaled = (images[0] - images.min()) / np.ptp(images)  # as scikit-learn's documentation has them
    np.testing.assert_allclose(scaled.ravel()[:3], [0.30991736, 0.3677686, 0.41735536], rtol=1e-6)
