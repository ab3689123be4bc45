"""Small data sets: parts of a split, standardised, and what judges nets."""

from typing import NamedTuple

import numpy as np
from sklearn import datasets

import raikeras
from raikeras.datasets.uci_tables import TABLES, standard_split


def friedman1(return_X_y=True):  # noqa: N803, as scikit-learn's loaders
    """Friedman's first function: 768 rows, five inputs that matter and three that do not."""
    return datasets.make_friedman1(n_samples=768, n_features=8, noise=0.1, random_state=0)


SKLEARN = {
    "friedman1": friedman1,
    "diabetes": datasets.load_diabetes,
    "digits": datasets.load_digits,
    "breast_cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
}
IMAGES = ("mnist", "fashion_mnist")
CLASSES = {"digits": 10, "breast_cancer": 2, "wine": 3, "mnist": 10, "fashion_mnist": 10}
BINS = 15  # of the calibration error


class Parts(NamedTuple):
    """A split: what is fitted, what chooses the setting, what judges; standardised.

    Attributes:
        x_fit, y_fit, x_valid, y_valid, x_test, y_test: Features `(rows, features)` float32; labels
            `(rows,)` int32, or targets `(rows, 1)` float32.
        scale: Standard deviation of the fitted targets in their own units; 1 for labels.
    """

    x_fit: np.ndarray
    y_fit: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    scale: float


def parts(name, split, held_out, image_examples=0):
    """The parts of a data set's split.

    Args:
        name: A key of `TABLES` or `SKLEARN`, or one of `IMAGES`.
        split: Integer from 0 to 19; images have one official split, of which it draws the subset.
        held_out: Share of the training part that chooses the setting.
        image_examples: Number of training images; 0: all.
    """
    (x, y), (x_test, y_test) = _split(name, split, image_examples)
    fit = round((1 - held_out) * len(x))  # rows of a split come in random order
    center, spread = x[:fit].mean(0), x[:fit].std(0)
    if name in IMAGES:
        center, spread = np.zeros(1), np.full(1, 255.0)
    spread = np.where(spread > 0, spread, 1.0)
    shift, scale = 0.0, 1.0
    if name not in CLASSES:
        shift, scale = float(y[:fit].mean()), float(y[:fit].std())
    inputs = [((one - center) / spread).astype("float32") for one in (x[:fit], x[fit:], x_test)]
    labels = [_labels(name, one, shift, scale) for one in (y[:fit], y[fit:], y_test)]
    pairs = [array for pair in zip(inputs, labels, strict=True) for array in pair]
    return Parts(*pairs, scale)


def _split(name, split, image_examples):
    """Training and test part as published."""
    if name in TABLES:
        return raikeras.datasets.uci(name, split)
    if name in SKLEARN:
        x, y = SKLEARN[name](return_X_y=True)
        train, test = standard_split(len(x), split)
        return (x[train], y[train]), (x[test], y[test])
    if name not in IMAGES:
        known = ", ".join((*TABLES, *SKLEARN, *IMAGES))
        raise ValueError(f"A data set must be one of {known}. Received: {name!r}")
    (x, y), (x_test, y_test) = getattr(raikeras.datasets, name)()
    rows = np.random.default_rng(split).permutation(len(x))[: image_examples or None]
    return (x[rows].reshape(len(rows), -1), y[rows]), (x_test.reshape(len(x_test), -1), y_test)


def _labels(name, y, shift, scale):
    if name in CLASSES:
        return y.astype("int32")
    return ((y - shift) / scale).astype("float32")[:, None]


def judge(name, outputs, labels, scale):
    """What a net's outputs on one part are worth; all NaN where they are not finite.

    Args:
        name: The data set.
        outputs: Array `(rows, units)`, standardised predictions or logits.
        labels: As in `Parts`.
        scale: As in `Parts`.

    Returns:
        For regression `rmse` in the target's own units and its `log_rmse`; for classification
        `accuracy`, `ece` and `nll`, the mean negative log-likelihood in nats.
    """
    if not np.isfinite(outputs).all():
        names = ("accuracy", "ece", "nll") if name in CLASSES else ("rmse", "log_rmse")
        return dict.fromkeys(names, np.nan)
    if name not in CLASSES:
        rmse = scale * float(np.sqrt(np.mean(np.square(np.float64(outputs) - labels))))
        return {"rmse": rmse, "log_rmse": float(np.log(rmse))}
    logs = log_softmax(outputs)
    nll = -float(logs[np.arange(len(labels)), labels].mean())
    accuracy = float((logs.argmax(1) == labels).mean())
    return {"accuracy": accuracy, "ece": calibration_error(*reliability(logs, labels)), "nll": nll}


def log_softmax(logits):
    """Log-probabilities in float64, `(rows, classes)`."""
    logits = np.float64(logits)
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def reliability(logs, labels):
    """Count, summed confidence and number of right answers of each of `BINS` equal bins.

    Args:
        logs: Log-probabilities `(rows, classes)`.
        labels: Integers `(rows,)`.
    """
    confidence = np.exp(logs.max(1))
    right = logs.argmax(1) == labels
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    weights = (None, confidence, right.astype(float))
    return tuple(np.bincount(bins, weight, BINS) for weight in weights)


def calibration_error(count, confidence, right):
    """Expected calibration error (Guo et al., 2017): |accuracy - confidence|, weighted by bins."""
    return float(np.abs(right - confidence).sum() / count.sum())


def score(judged):
    """What the choice of a setting minimises: the error, among equals the log-likelihood's."""
    found = judged["rmse"] if "rmse" in judged else 1e3 * (1 - judged["accuracy"]) + judged["nll"]
    return found if np.isfinite(found) else np.inf
