"""The phase diagrams of e04 as its figure, table and numbers use them: regions, writers, macros."""

import numpy as np

from report import latex, load, stats
from report.variants import VARIANTS

EXPERIMENT = "e04_initialisation"
METHODS = {"bp": "BP", "rai": "RAI, growing weight"}
WIDE = {"bp": "bp_wide", "rai": "rai_wide"}


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
    "cells_disagreement": latex.percent,
    "disagreement": latex.percent,
    "glorot_accuracy": latex.fixed,
    "uniform_accuracy": latex.fixed,
    "test_accuracy": latex.fixed,
    "seconds": latex.seconds,
}


def variants(runs: list[dict]) -> dict[str, dict[int, str]]:
    """By method the variants of the phase diagrams that have runs, by their depth."""
    found = {method: {} for method in METHODS}
    for variant in VARIANTS[EXPERIMENT]:
        method, _, depth = variant.partition("_")
        if depth.isdigit() and load.of(runs, variant):
            found[method][int(depth)] = variant
    return found


def estimate(runs: list[dict], variant: str, name: str) -> stats.Estimate:
    """Mean of a metric over a variant's runs, or the disagreement between their boundaries."""
    if name == "disagreement":
        return stats.disagreement(load.landscapes(runs, variant))
    values = [run["metrics"].get(name) for run in load.of(runs, variant)]
    return stats.mean([np.nan if value is None else value for value in values])


def cells(runs: list[dict]) -> tuple[list[float], list[float], np.ndarray]:
    """Gains, rates and the share of a variant's runs that succeed, `(gains, rates)`."""
    curves = [run["curves"] for run in runs]
    share = np.mean([np.asarray(one["success"], dtype=float) for one in curves], axis=0)
    return curves[0]["gains"], curves[0]["rates"], share


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


def macros(runs: list[dict], experiment: str) -> dict[str, str]:
    """All numbers of the text: `\\EFourRaiOneZeroRateDecades`, with `CI` the interval behind it."""
    prefix = "E" + latex.camel(str(int(experiment[1:3])))
    found = {}
    for variant in VARIANTS[experiment]:
        for name, write in WRITE.items():
            value = estimate(runs, variant, name)
            macro = prefix + latex.camel(f"{variant}_{name}")
            found[macro] = write(value.value)
            found[macro + "CI"] = latex.with_interval(value, write)
    for method in METHODS:
        equal, count = agreement(runs, method)
        found[f"{prefix}Wide{method.capitalize()}Agree"] = f"{equal} of {count}"
    counts = sorted({len(load.of(runs, v)) for by in variants(runs).values() for v in by.values()})
    settings = runs[0]["settings"] if runs else {}
    found[prefix + "N"] = latex.integer(counts[-1]) if counts else "0"
    lost = sum(run["metrics"].get("lost_cells") or 0 for run in runs)
    found[prefix + "LostCells"] = latex.integer(lost)
    total = sum(run["metrics"].get("trained_cells") or 0 for run in runs)
    found[prefix + "Cells"] = latex.integer(total)
    for name in ("units", "iterations"):
        found[prefix + name.capitalize()] = latex.integer(settings.get(name, 0))
    wide = [run["settings"]["units"] for v in WIDE.values() for run in load.of(runs, v)]
    return found | {prefix + "WideUnits": latex.integer(max(wide, default=0))}
