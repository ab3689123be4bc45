"""The regions of the phase diagrams: their sizes and cells, how their metrics are written."""

import numpy as np

from report.lib import latex, load, metrics, stats
from report.studies.e04_initialisation.looks import EXPERIMENT, METHODS, WIDE


def _times(value: float) -> str:
    """A width in doublings as the factor that it spans."""
    return latex.fixed(2**value, 2) if value else "none"


def _decades(value: float) -> str:
    return latex.fixed(value, 1)


WRITE = {
    "share": latex.percent,
    "gain_octaves": _times,
    "rate_decades": _decades,
    "rule_decades": _decades,
    "target_rate_decades": _decades,
    "narrower_decades": _decades,
    "cells_disagreement": latex.percent,
    "disagreement": latex.percent,
    "glorot_accuracy": latex.fixed,
    "uniform_accuracy": latex.fixed,
    "test_accuracy": latex.fixed,
    "seconds": latex.seconds,
}


def variants(runs: list[dict]) -> dict[str, dict[int, str]]:
    """By method the variants of the phase diagrams that have runs, by their depth."""
    found: dict[str, dict[int, str]] = {method: {} for method in METHODS}
    for variant in EXPERIMENT.variants:
        method, _, depth = variant.partition("_")
        if depth.isdigit() and load.of(runs, variant):
            found[method][int(depth)] = variant
    return found


def estimate(runs: list[dict], variant: str, name: str) -> stats.Estimate:
    """Mean of a metric over a variant's runs, or the disagreement between their boundaries."""
    if name == "disagreement":
        return stats.disagreement(load.landscapes(runs, variant))
    return metrics.mean(load.of(runs, variant), name)


def cells(runs: list[dict]) -> tuple[list[float], list[float], np.ndarray]:
    """The first axis, rates and the share of a variant's runs that succeed, `(first, rates)`."""
    curves = [run["curves"] for run in runs]
    share = np.mean([np.asarray(one["success"], dtype=float) for one in curves], axis=0)
    first = curves[0].get("gains") or curves[0]["target_rates"]
    return first, curves[0]["rates"], share


def agreement(runs: list[dict], method: str) -> tuple[int, int]:
    """In how many cells the wide net ends as most narrow ones do, and of how many."""
    wide = load.of(runs, WIDE[method])
    same = variants(runs)[method].get(wide[0]["settings"]["depth"]) if wide else None
    if same is None:
        return 0, 0
    gains, rates, share = cells(load.of(runs, same))
    equal = count = 0
    for gain, row in zip(*(cells(wide)[k] for k in (0, 2)), strict=True):
        for rate, outcome in zip(cells(wide)[1], row, strict=True):
            places = _nearest(gains, gain), _nearest(rates, rate)
            if None not in places and share[places] != 0.5:
                equal += (share[places] > 0.5) == (outcome > 0.5)
                count += 1
    return int(equal), count


def _nearest(values: list[float], wanted: float) -> int | None:
    """The place of a value, if it is there to within rounding."""
    place = int(np.argmin(np.abs(np.log(values) - np.log(wanted))))
    return place if abs(values[place] / wanted - 1) < 1e-3 else None
