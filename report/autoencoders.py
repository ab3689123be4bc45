"""What the autoencoders' figures, tables and numbers share: data sets, methods, macros."""

import numpy as np

from report import latex, load, summary
from report.variants import VARIANTS, label

# The data set of each experiment in the full profile; others may have digits in their place.
SETS = {
    "e10_mnist": "mnist",
    "e10_fashion": "fashion_mnist",
    "e10_faces": "olivetti",
    "e10_curves": "curves",
}
TITLES = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "olivetti": "Olivetti faces",
    "curves": "generated curves",
    "digits": "digits",
}
FIRST_ORDER = ("sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop")
FIRST_ORDER += ("rmsprop_momentum", "adam")


def macros(runs: list[dict], experiment: str, prefix: str) -> dict[str, str]:
    """The best first-order method, and each method's step time as a multiple of Adam's."""
    name = best_first_order(runs)
    found = {
        prefix + "Best": label(experiment, name) if name else latex.NONE,
        prefix + "BestTrainLoss": latex.NONE,
        prefix + "BestTrainLossCI": latex.NONE,
    }
    if name:
        loss = summary.estimates(runs, name)["train_loss"]
        found[prefix + "BestTrainLoss"] = latex.loss(loss.value)
        found[prefix + "BestTrainLossCI"] = latex.with_interval(loss, latex.loss)
    adam = summary.estimates(runs, "adam")["milliseconds"].value
    for variant in VARIANTS[experiment]:
        own = summary.estimates(runs, variant)["milliseconds"].value
        found[prefix + latex.camel(variant) + "Cost"] = latex.significant(own / adam)
    return found


def best_first_order(runs: list[dict]) -> str | None:
    """The first-order method with the lowest mean training loss at the end, if any has one."""
    losses = {name: summary.estimates(runs, name)["train_loss"].value for name in FIRST_ORDER}
    known = {name: value for name, value in losses.items() if np.isfinite(value)}
    return min(known, key=known.get) if known else None


def title(runs: list[dict], experiment: str) -> str:
    """What was trained on, as it is printed."""
    return TITLES[runs[0]["settings"]["dataset"] if runs else SETS[experiment]]


def present(results) -> dict[str, list[dict]]:
    """The runs of each data set that the profile has."""
    found = {name: load.runs(results, name) for name in SETS}
    return {name: runs for name, runs in found.items() if runs}
