"""What a linear model makes of the moons: the baseline of a network that bends nothing."""

import functools

import numpy as np
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression

NEAR = 0.03  # a run within it of the linear model has learned no curve


@functools.cache
def _accuracy(train: tuple, test: tuple, noise: float) -> float:
    (x, y), (x_test, y_test) = (
        make_moons(n_samples=count, noise=noise, random_state=seed) for count, seed in (train, test)
    )
    return float(LogisticRegression().fit(x, y).score(x_test, y_test))


def accuracy(runs: list[dict]) -> float:
    """Test accuracy of logistic regression on the data of these runs; NaN without runs."""
    if not runs:
        return np.nan
    chosen = runs[0]["settings"]
    train, test = (
        (chosen[f"{part}_examples"], chosen[f"{part}_seed"]) for part in ("train", "test")
    )
    return _accuracy(train, test, chosen["noise"])


def beyond(runs: list[dict]) -> int:
    """How many of the runs end more than `NEAR` above it."""
    line = accuracy(runs)
    return sum((run["metrics"]["test_accuracy"] or 0.0) > line + NEAR for run in runs)
