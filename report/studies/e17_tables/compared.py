"""What the methods are compared by: errors on the same split, overfitting, and cost."""

from pathlib import Path

import numpy as np

from report.lib import load, splits
from report.lib.stats import Estimate
from report.studies.e17_tables.looks import LARGE, METHODS, SMALL

BASE = "bp_full"  # what the others are held against
JUDGED = {  # the regression sets of the criteria
    "energy": "energy",
    "concrete": "concrete",
    "friedman1": "Friedman 1",
    "wine-quality-red": "red wine",
    "diabetes": "diabetes",
}
LARGER = {"kin8nm": "kin8nm", "power-plant": "power plant"}
CLASSES = {"digits": "digits"}
TITLES = JUDGED | LARGER | CLASSES


def everything(results: Path) -> list[dict]:
    """The runs on small and on larger tables, of which a method and a split have one each."""
    return [run for one in (SMALL, LARGE) for run in load.runs(results, one)]


def methods(runs: list[dict]) -> list[str]:
    """The methods that a profile has."""
    return [name for name in METHODS if load.of(runs, name)]


def present(runs: list[dict], names) -> list[str]:
    """Those of some data sets that any run has."""
    return [name for name in names if any(f"{name}_best_trial" in run["metrics"] for run in runs)]


def by_split(runs: list[dict], method: str, name: str) -> dict[int, dict]:
    """A method's results on a data set by split."""
    own = load.of(runs, method)
    return {run["seed"]: run for run in own if f"{name}_best_trial" in run["metrics"]}


def _pairs(runs, method, other, names) -> list[list[tuple[dict, dict, str]]]:
    """By split, of each data set the runs of two methods."""
    own, base = ([by_split(runs, one, name) for name in names] for one in (method, other))
    shared = [{*a} & {*b} for a, b in zip(own, base, strict=True)]
    splits_ = sorted(set.intersection(*shared)) if shared else []
    return [
        [(a[k], b[k], name) for a, b, name in zip(own, base, names, strict=True)] for k in splits_
    ]


def _share(runs, method, names) -> float:
    return splits.share(load.of(runs, method), names)


def difference(
    runs: list[dict], method: str, names, metric: str = "best_test", other: str = BASE
) -> Estimate:
    """Log ratio of two methods' errors on the same split, the mean over data sets.

    For classes it is the difference of accuracies.
    """
    names = present(runs, names)
    values = []
    for pairs in _pairs(runs, method, other, names):
        changes = [_change(one, two, name, metric) for one, two, name in pairs]
        values.append(np.mean(changes))
    return splits.corrected(values, _share(runs, method, names))


def _change(one, two, name, metric):
    score = "accuracy" if name in CLASSES else "rmse"
    a, b = (run["metrics"][f"{name}_{metric}_{score}"] for run in (one, two))
    if a is None or b is None:
        return np.nan
    return a - b if name in CLASSES else np.log(a / b)


def overfitting(runs: list[dict], method: str, names) -> Estimate:
    """Log ratio of the test error at the end of the longest length to that at the best point."""
    names = present(runs, names)
    values = [
        splits.value(run, "{}_last_test_rmse", names, "{}_best_test_rmse")
        for run in load.of(runs, method)
        if names and all(f"{name}_best_trial" in run["metrics"] for name in names)
    ]
    return splits.corrected(values, _share(runs, method, names))


def at_equal_training_error(runs: list[dict], method: str, name: str) -> Estimate:
    """Log ratio of the test error to that of `BASE` at the same training error, on a data set."""
    values = [
        splits.at_equal_training_error(one, two, [name])
        for pairs in _pairs(runs, method, BASE, [name])
        for one, two, _ in pairs
    ]
    return splits.corrected(values, _share(runs, method, [name]))


def cost(runs: list[dict], method: str, names, seconds: bool) -> Estimate:
    """Log ratio of the steps to the best point to those of `BASE`, or of these steps' seconds."""
    values = []
    for pairs in _pairs(runs, method, BASE, present(runs, names)):
        logs = [np.log(_spent(one, k, seconds) / _spent(two, k, seconds)) for one, two, k in pairs]
        values.append(np.mean(logs))
    return splits.corrected(values, _share(runs, method, names))


def _spent(run, name, seconds):
    steps = run["metrics"][f"{name}_best_steps"] or np.nan
    return steps * (run["metrics"][f"{name}_seconds"] if seconds else 1.0)


def in_per_cent(estimate: Estimate) -> Estimate:
    """A log ratio as a change in per cent."""
    value, draws = (100 * np.expm1(part) for part in (estimate.value, estimate.draws))
    return estimate._replace(value=float(value), draws=draws)


def as_ratio(estimate: Estimate) -> Estimate:
    """A log ratio as a ratio."""
    return estimate._replace(value=float(np.exp(estimate.value)), draws=np.exp(estimate.draws))


def in_points(estimate: Estimate) -> Estimate:
    """A difference of accuracies in points."""
    return estimate._replace(value=100 * estimate.value, draws=100 * estimate.draws)
