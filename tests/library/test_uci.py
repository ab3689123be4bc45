"""The UCI tables: splits by their rule, row order by checksum, folder and OpenML, clear errors."""

import hashlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from raikeras import datasets
from raikeras.datasets import uci_tables as uci

DATA = os.environ.get("RAIKERAS_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="RAIKERAS_DATA is not set")
TINY = np.array([[0.1, 2.0, 7.5], [0.2, 3.0, 6.25], [0.3, 4.0, 9.0], [0.4, 5.0, 8.0]])


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder with a table of four rows in the place of `concrete`."""
    digest = uci.target_checksum(TINY[:, -1], "%.2f")
    monkeypatch.setitem(uci.TABLES, "concrete", uci.Table(4, 2, "%.2f", digest, 4353))
    monkeypatch.setenv("RAIKERAS_DATA", str(tmp_path))
    (tmp_path / "uci").mkdir()
    np.savetxt(tmp_path / "uci" / "concrete.txt", TINY, fmt="%.3f ")
    return tmp_path / "uci" / "concrete.txt"


def test_split_is_the_published_generators():
    """The first and the second draw for ten rows, as NumPy's old generator gives them."""
    np.random.seed(1)
    for split in range(2):
        order = np.random.choice(range(10), 10, replace=False)
        train, test = uci.standard_split(10, split)
        assert train.tolist() == order[:9].tolist() and test.tolist() == order[9:].tolist()
    assert uci.standard_split(10, 0)[0].tolist() == [2, 9, 6, 4, 0, 3, 1, 7, 8]


def test_checksum_is_of_the_written_values_whatever_their_rounding():
    written = "7.50\n6.25\n9.00\n8.00"
    expected = hashlib.sha256(written.encode()).hexdigest()
    assert uci.target_checksum(TINY[:, -1] + 0.004, "%.2f") == expected
    assert uci.target_checksum(TINY[::-1, -1], "%.2f") != expected


def test_parts_are_the_rows_of_the_split(tiny):
    (x_train, y_train), (x_test, y_test) = datasets.uci("concrete", split=3)
    train, test = uci.standard_split(4, 3)
    np.testing.assert_allclose(np.column_stack([x_train, y_train]), TINY[train])
    np.testing.assert_allclose(np.column_stack([x_test, y_test]), TINY[test])


def test_another_order_and_a_damaged_file_are_named(tiny):
    np.savetxt(tiny, TINY[::-1])
    with pytest.raises(ValueError, match="concrete.txt must have its rows in the order"):
        datasets.uci("concrete", 0)
    np.savetxt(tiny, TINY[:3])
    with pytest.raises(ValueError, match="must have 4 rows of 2 features"):
        datasets.uci("concrete", 0)
    tiny.write_text("1.0 two 3.0\n")
    with pytest.raises(ValueError, match="must be a table of numbers"):
        datasets.uci("concrete", 0)
    tiny.unlink()
    with pytest.raises(FileNotFoundError, match="concrete.txt must be there"):
        datasets.uci("concrete", 0)


def test_openml_is_asked_where_no_folder_is_named(tiny, monkeypatch):
    pandas = pytest.importorskip("pandas")
    openml = pytest.importorskip("sklearn.datasets")
    monkeypatch.delenv("RAIKERAS_DATA")
    frame = pandas.DataFrame(np.column_stack([TINY, TINY[:, 0]]))  # a second target behind

    def fetch(data_id, as_frame):
        assert data_id == 4353 and as_frame
        return SimpleNamespace(frame=frame)

    monkeypatch.setattr(openml, "fetch_openml", fetch)
    (x_train, _), _ = datasets.uci("concrete", 0)
    np.testing.assert_allclose(x_train, TINY[uci.standard_split(4, 0)[0], :2])
    frame.iloc[:] = frame.to_numpy()[::-1]
    with pytest.raises(ValueError, match="OpenML's table 4353 must have its rows in the order"):
        datasets.uci("concrete", 0)

    def fails(**_):
        raise OSError("unreachable")

    monkeypatch.setattr(openml, "fetch_openml", fails)
    with pytest.raises(ConnectionError, match="set RAIKERAS_DATA=FOLDER. Received: unreachable"):
        datasets.uci("concrete", 0)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        datasets.uci("concrete", 0)
    with pytest.raises(FileNotFoundError, match="FOLDER/uci/power-plant.txt"):
        datasets.uci("power-plant", 0)


def test_names_and_splits_are_checked():
    with pytest.raises(ValueError, match="`name` must be one of concrete.*Received: name='boston'"):
        datasets.uci("boston", 0)
    with pytest.raises(ValueError, match="from 0 to 19. Received: 20"):
        uci.standard_split(10, 20)


@needs_data
@pytest.mark.parametrize("name", uci.TABLES)
def test_splits_are_those_of_the_published_file(name):
    file = Path(DATA, "uci", "splits.npz")
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    published = np.load(file)
    rows = uci.TABLES[name].rows
    for split in (0, 1, 19):
        train, test = uci.standard_split(rows, split)
        np.testing.assert_array_equal(train, published[f"{name}/train_{split}"])
        np.testing.assert_array_equal(test, published[f"{name}/test_{split}"])
    (x_train, y_train), (x_test, y_test) = datasets.uci(name, 0)
    assert len(x_train) + len(y_test) == rows and x_test.shape[1] == uci.TABLES[name].features
