"""Estimates of any metric over runs, and a macro for every metric of every variant."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from report.lib import latex, load, stats
from report.lib.looks import Experiment


def decimal(value: float, digits: int) -> str:
    """A decimal number without a sign before zero."""
    return latex.fixed(round(value, digits) + 0.0, digits)


# How `macros` writes a metric, by the last word of its name.
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


def values(runs: list[dict], name: str) -> np.ndarray:
    """A metric by run; NaN where a run has none."""
    found = [run["metrics"].get(name) for run in runs]
    return np.array([np.nan if value is None else value for value in found], dtype=float)


def mean(runs: list[dict], name: str) -> stats.Estimate:
    """Mean of a metric over the runs that have it."""
    return stats.mean(values(runs, name))


def curves(runs: list[dict], name: str) -> np.ndarray:
    """A curve of all runs, `(runs, ...)`; null is NaN."""
    return np.array([run["curves"][name] for run in runs], dtype=float)


def written(
    runs: list[dict], experiment: Experiment, write: Mapping[str, Callable[[float], str]]
) -> dict[str, str]:
    """A macro for each of these metrics of every variant, with `CI` its interval behind it."""
    found = {}
    for variant in experiment.variants:
        for name, one in write.items():
            value = mean(load.of(runs, variant), name)
            macro = latex.prefix(experiment) + latex.camel(f"{variant}_{name}")
            found[macro] = one(value.value)
            found[macro + "CI"] = latex.with_interval(value, one)
    return found


def macros(results: Path, experiment: Experiment) -> dict[str, str]:
    """A macro for every metric of every variant, `\\EThreeSigmoidDefaultRate`, with `CI` its
    interval behind it.
    """
    runs, prefix, found = load.runs(results, experiment), latex.prefix(experiment), {}
    for variant in experiment.variants:
        own = load.of(runs, variant)
        for name in dict.fromkeys(name for run in own for name in run["metrics"]):
            write = WRITE.get(name.rpartition("_")[2], latex.significant)
            value = mean(own, name)
            macro = prefix + latex.camel(f"{variant}_{name}")
            found[macro] = write(value.value)
            found[macro + "CI"] = latex.with_interval(value, write)
    counts = sorted({len(load.of(runs, variant)) for variant in experiment.variants})
    return found | {prefix + "N": latex.integer(counts[-1])}
