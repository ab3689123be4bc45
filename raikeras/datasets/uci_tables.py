"""The UCI regression tables of the Bayesian-network literature and their 20 standard splits.

`raikeras.datasets.uci` reads them. The splits follow from the number of rows alone, so what has to
be right is the rows' order: a checksum of the target column tells.
"""

import hashlib
import re
from typing import NamedTuple

import numpy as np

SPLITS = 20


class Table(NamedTuple):
    """What a table must be.

    Attributes:
        rows, features: Its size; the column after the features is the target.
        target_format: How a target is written for the checksum: what publishers of the same
            table, who round differently, have in common.
        sha256: Of the targets, written like this, one a line.
        openml: Number of the same table at OpenML, `None` if it is not known to be there.
    """

    rows: int
    features: int
    target_format: str
    sha256: str
    openml: int | None


TABLES = {
    "concrete": Table(
        1030, 8, "%.2f", "0cdc80c9cf571aab3b9f83bdb1a5bc310f6e28ff646af4374b2f493cda5e3d07", 4353
    ),
    # The heating load.
    "energy": Table(
        768, 8, "%.2f", "33a89c2884eef397f19a7a0499c8c35004e0fbbb219898bdef9ea79b98ee4eb5", 1472
    ),
    "kin8nm": Table(
        8192, 8, "%.6g", "5b74cd851c6abd54e57ee4c9d80cc73d2e360ae008dc7a2951efdf19a0433855", 189
    ),
    "power-plant": Table(
        9568, 4, "%.2f", "284ac22cca059f690f12183fa64f457d6934dd94873e1c8561cfde26bda07c6f", None
    ),
    "wine-quality-red": Table(
        1599, 11, "%.2f", "34a732bef88f03f190621b8a8bb6a15be5cc0c03b671d6e203f7d49a59588cca", 40691
    ),
}


def table(name: str) -> Table:
    """The entry of a table."""
    if name not in TABLES:
        raise ValueError(f"`name` must be one of {', '.join(TABLES)}. Received: name={name!r}")
    return TABLES[name]


def standard_split(num_examples: int, split: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the training and the test part of one of the 20 standard splits.

    The rule of Hernandez-Lobato & Adams (2015): NumPy's old generator, seeded with 1, draws one
    permutation a split; the first nine tenths train.

    Args:
        num_examples: Integer, number of rows of the table.
        split: Integer from 0 to 19.

    Returns:
        Two integer arrays, of `round(.9 num_examples)` rows and of the others.
    """
    if split not in range(SPLITS):
        raise ValueError(f"`split` must be an integer from 0 to {SPLITS - 1}. Received: {split!r}")
    generator = np.random.RandomState(1)
    for _ in range(split + 1):
        order = generator.choice(range(num_examples), num_examples, replace=False)
    train = round(0.9 * num_examples)
    return order[:train], order[train:]


def checked(name: str, values: np.ndarray, source: str) -> np.ndarray:
    """The table's values, once size and row order are right."""
    wanted = table(name)
    values = np.asarray(values, dtype="float64")
    if values.shape != (wanted.rows, wanted.features + 1):
        raise ValueError(
            f"{source} must have {wanted.rows} rows of {wanted.features} features and the target. "
            f"Received: shape={values.shape}"
        )
    found = target_checksum(values[:, -1], wanted.target_format)
    if found != wanted.sha256:
        raise ValueError(
            f"{source} must have its rows in the order of the standard splits, with the checksum "
            f"{wanted.sha256[:12]}... of the target column. Put the file of the split's authors "
            f"into FOLDER/uci/{name}.txt and set RAIKERAS_DATA=FOLDER. Received: {found[:12]}..."
        )
    return values


def target_checksum(target: np.ndarray, target_format: str) -> str:
    """SHA-256 of a target column, shape `(rows,)`, each value written by `target_format`."""
    lines = "\n".join(target_format % value for value in target)
    return hashlib.sha256(lines.encode()).hexdigest()


def parsed(name: str, content: bytes, source: str) -> np.ndarray:
    """The values of a text file of numbers, one row a line, as `(rows, features + 1)`."""
    try:
        rows = [
            [float(word) for word in re.split(r"[\s,]+", line.strip())]
            for line in content.decode("ascii").splitlines()
            if line.strip()
        ]
        values = np.array(rows, dtype="float64")
    except ValueError as error:
        raise ValueError(f"{source} must be a table of numbers. Received: {error}") from error
    return checked(name, values, source)


def from_openml(name: str) -> np.ndarray:
    """The values from OpenML through scikit-learn, which keeps them in its data folder."""
    number = table(name).openml
    if number is None:
        raise FileNotFoundError(
            f"{name} is not known to be at OpenML in the order of the standard splits: put it into "
            f"FOLDER/uci/{name}.txt and set RAIKERAS_DATA=FOLDER. Received: no RAIKERAS_DATA"
        )
    try:
        from sklearn.datasets import fetch_openml
    except ImportError as error:
        raise ImportError(
            f"{name} comes from OpenML through scikit-learn, which must be installed: pip install "
            f"scikit-learn, or set RAIKERAS_DATA. Received: {error}"
        ) from error
    try:
        frame = fetch_openml(data_id=number, as_frame=True).frame
    except Exception as error:  # the network fails in many ways
        raise ConnectionError(
            f"{name} must be downloaded once, which failed. Connect to the network, or put the "
            f"table into FOLDER/uci/{name}.txt and set RAIKERAS_DATA=FOLDER. Received: {error}"
        ) from error
    columns = frame.to_numpy(dtype="float64")[:, : table(name).features + 1]  # energy has two loads
    return checked(name, columns, f"OpenML's table {number}")
