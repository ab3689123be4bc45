"""Estimates of the topics' metrics and how they are written."""

import numpy as np

from report.lib import latex, load, metrics, stats

# How a metric is written, by the end of its name; the first that fits.
WRITE = {
    "share": lambda value: rf"{latex.percent(value)}\,\%",
    "accuracy": latex.fixed,
    "accuracy_0": latex.fixed,
    "accuracy_1": latex.fixed,
    "accuracy_2": latex.fixed,
    "change_0": latex.fixed,
    "change_1": latex.fixed,
    "change_2": latex.fixed,
    "gain": lambda value: metrics.decimal(value, 3),
    "slope": latex.fixed,
    "ratio": lambda value: latex.fixed(value, 2),
    "degrees": lambda value: latex.fixed(value, 1),
    "variation": latex.significant,
    "loss": latex.loss,
    "error": latex.significant,
    "spread": latex.significant,
    "condition": latex.significant,
    "coefficient": lambda value: latex.significant(value, 1),
    "rate": lambda value: latex.significant(value, 1),
}


def write(name: str):
    """The function that writes a metric: counts, where the name's end says nothing."""
    return next((form for end, form in WRITE.items() if name.endswith(end)), latex.integer)


def estimate(runs: list[dict], variant: str, name: str) -> stats.Estimate:
    """Mean of a metric over a variant's runs; of rates, coefficients and conditions the median."""
    values = metrics.values(load.of(runs, variant), name)
    found = stats.mean(values)
    if name.endswith(("rate", "coefficient", "condition")) and found.n:
        return found._replace(value=float(np.nanmedian(values)))
    return found


def vector(entries: list[str]) -> str:
    """Exact fractions as a row vector in LaTeX."""
    parts = [entry.partition("/") for entry in entries]
    shown = [rf"\tfrac{{{above}}}{{{below}}}" if below else above for above, _, below in parts]
    return "$(" + r",\,".join(shown) + ")$"
