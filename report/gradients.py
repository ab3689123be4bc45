"""The study of gradients as its figures, table and numbers use it: names, looks, macros."""

import numpy as np

from report import latex, load, stats
from report.variants import VARIANTS

EXPERIMENT = "e03_gradients"
ACTIVATIONS = ("sigmoid", "tanh", "relu", "arctan", "elu")
STARTS = {
    "default": "Keras' default",
    "torch": "PyTorch's default",
    "he": "He",
    "isometric": "isometric",
    "large": "too large",
}
FITS = {
    "bp_default": "BP, default start",
    "bp_isometric": "BP, isometric start",
    "rai": "RAI, default start",
}


def decimal(value: float, digits: int) -> str:
    """A decimal number without a sign before zero."""
    return latex.fixed(round(value, digits) + 0.0, digits)


# How a metric is written, by the last word of its name.
WRITE = {
    "rate": lambda value: decimal(value, 2),
    "slope": lambda value: decimal(value, 2),
    "orders": lambda value: decimal(value, 1),
    "error": latex.significant,
    "loss": latex.significant,
    "steepest": latex.significant,
    "jump": latex.significant,
    "share": lambda value: decimal(value, 3),
}
SETTINGS = ("units", "large_gain", "trained_depth", "iterations", "cliff_steps")


def every_metric(runs: list[dict], experiment: str) -> dict[str, str]:
    """A macro for every metric of every variant, `\\EThreeSigmoidDefaultRate`, with `CI` its
    interval behind it.
    """
    prefix, found = "E" + latex.camel(str(int(experiment[1:3]))), {}
    for variant in VARIANTS[experiment]:
        own = load.of(runs, variant)
        for name in dict.fromkeys(name for run in own for name in run["metrics"]):
            write = WRITE.get(name.rpartition("_")[2], latex.significant)
            value = mean(own, name)
            macro = prefix + latex.camel(f"{variant}_{name}")
            found[macro] = write(value.value)
            found[macro + "CI"] = latex.with_interval(value, write)
    counts = sorted({len(load.of(runs, variant)) for variant in VARIANTS[experiment]})
    return found | {prefix + "N": latex.integer(counts[-1])}


def mean(runs: list[dict], name: str) -> stats.Estimate:
    """Mean of a metric over the runs that have it."""
    values = [run["metrics"].get(name) for run in runs]
    return stats.mean([np.nan if value is None else value for value in values])


def macros(runs: list[dict], experiment: str) -> dict[str, str]:
    """All numbers of the text; `...Factor` is the factor a layer behind a rate."""
    found = every_metric(runs, experiment)
    for variant in ACTIVATIONS:
        for start in STARTS:
            value = 10 ** mean(load.of(runs, variant), f"{start}_depth_rate").value
            found["EThree" + latex.camel(f"{variant}_{start}_factor")] = latex.significant(value)
    settings = load.of(runs, "sigmoid")[0]["settings"]
    for name in SETTINGS:
        found["EThree" + latex.camel(name)] = latex.integer(settings[name])
    few, many = load.of(runs, "local")[0]["settings"]["local_depths"]
    return found | {
        "EThreeDepth": latex.integer(max(settings["depths"])),
        "EThreeFew": latex.integer(few),
        "EThreeMany": latex.integer(many),
        "EThreeLongest": latex.integer(max(load.of(runs, "chain")[0]["settings"]["lengths"])),
    }


def by_layer(runs: list[dict], name: str) -> np.ndarray:
    """A curve of all runs, `(runs, ...)`; null is NaN."""
    return np.array([run["curves"][name] for run in runs], dtype=float)
