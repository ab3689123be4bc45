"""The autoencoders' data sets, and which first-order method is the best on one."""

from pathlib import Path

import numpy as np

from report.lib import load, summaries
from report.lib.looks import Experiment
from report.studies.e10_autoencoder.looks import CURVES, FACES, FASHION, MNIST

# The data set of each experiment in the full profile; others may have digits in their place.
SETS = {MNIST: "mnist", FASHION: "fashion_mnist", FACES: "olivetti", CURVES: "curves"}
OTHERS = (FASHION, FACES, CURVES)  # than the one that has a figure of its own
TITLES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "olivetti": "Olivetti faces",
    "curves": "generated curves",
    "digits": "digits",
}
FIRST_ORDER = ["sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop"]
FIRST_ORDER += ["rmsprop_momentum", "adam"]


def best_first_order(runs: list[dict]) -> str | None:
    """The first-order method with the lowest mean training loss at the end, if any has one."""
    losses = {name: summaries.estimates(runs, name)["train_loss"].value for name in FIRST_ORDER}
    known = {name: value for name, value in losses.items() if np.isfinite(value)}
    return min(known, key=known.__getitem__) if known else None


def title(runs: list[dict], experiment: Experiment) -> str:
    """What was trained on, as it is printed."""
    return TITLES[runs[0]["settings"]["dataset"] if runs else SETS[experiment]]


def present(results: Path) -> dict[Experiment, list[dict]]:
    """The runs of each data set that the profile has."""
    found = {experiment: load.runs(results, experiment) for experiment in SETS}
    return {experiment: runs for experiment, runs in found.items() if runs}
