"""What the methods are compared by: errors on the same split, overfitting, and cost."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from report.lib import load, splits
from report.lib.looks import Experiment
from report.lib.stats import Estimate
from report.studies.e17_tables.looks import CLASSES, METHODS, TITLES

BASE = "bp_full"  # what the others are held against
Runs = dict[Experiment, list[dict]]


def everything(results: Path) -> Runs:
    """The runs by data set, of the sets that a profile has."""
    found = {one: load.runs(results, one) for one in TITLES}
    return {one: runs for one, runs in found.items() if runs}


def methods(runs: Runs) -> list[str]:
    """The methods that any data set has."""
    return [name for name in METHODS if any(load.of(own, name) for own in runs.values())]


def present(runs: Runs, sets: Iterable[Experiment]) -> list[Experiment]:
    """Those of some data sets that a profile has."""
    return [one for one in sets if one in runs]


def by_split(runs: Runs, method: str, data_set: Experiment) -> dict[int, dict]:
    """A method's results on a data set by split."""
    return {run["seed"]: run for run in load.of(runs.get(data_set, []), method)}


def difference(
    runs: Runs, method: str, sets: list[Experiment], metric: str = "best_test", other: str = BASE
) -> Estimate:
    """Log ratio of two methods' errors on the same split, the mean over data sets.

    For classes it is the difference of accuracies.
    """

    def change(one: dict, two: dict, data_set: Experiment) -> float:
        score = "accuracy" if data_set in CLASSES else "rmse"
        a, b = (run["metrics"][f"{metric}_{score}"] for run in (one, two))
        if a is None or b is None:
            return np.nan
        return a - b if data_set in CLASSES else float(np.log(a / b))

    return _mean(runs, method, sets, change, other)


def overfitting(runs: Runs, method: str, sets: list[Experiment]) -> Estimate:
    """Log ratio of the test error at the end of the longest length to that at the best point."""
    return _mean(
        runs,
        method,
        sets,
        lambda one, _, __: splits.value(one, "last_test_rmse", "best_test_rmse"),
        method,
    )


def at_end(runs: Runs, methods: tuple[str, ...], sets: list[Experiment]) -> tuple[int, int]:
    """In how many runs the best point is the end of the longest length, and of how many."""
    own = [run for one in sets for name in methods for run in load.of(runs.get(one, []), name)]
    ends = [run["metrics"]["best_steps"] == splits.lengths(run)[-1] for run in own]
    return sum(ends), len(ends)


def at_equal_training_error(runs: Runs, method: str, sets: list[Experiment]) -> Estimate:
    """Log ratio of the test error to that of `BASE` at the same training error."""
    return _mean(
        runs, method, sets, lambda one, two, _: splits.at_equal_training_error(one, two), BASE
    )


def cost(runs: Runs, method: str, sets: list[Experiment], seconds: bool) -> Estimate:
    """Log ratio of the steps to the best point to those of `BASE`, or of these steps' seconds."""

    def spent(run: dict) -> float:
        steps = run["metrics"]["best_steps"] or np.nan
        return steps * (run["metrics"]["seconds"] if seconds else 1.0)

    return _mean(
        runs, method, sets, lambda one, two, _: float(np.log(spent(one) / spent(two))), BASE
    )


def _mean(
    runs: Runs,
    method: str,
    sets: list[Experiment],
    of: Callable[[dict, dict, Experiment], float],
    other: str,
) -> Estimate:
    """What a pair of runs of a split gives, the mean over data sets, then over splits."""
    pairs = [[by_split(runs, name, one) for name in (method, other)] for one in sets]
    shared = [{*a} & {*b} for a, b in pairs]
    values = [
        np.mean([of(a[k], b[k], one) for (a, b), one in zip(pairs, sets, strict=True)])
        for k in sorted(set.intersection(*shared) if shared else ())
    ]
    own = [run for one in sets for run in load.of(runs.get(one, []), method)]
    return splits.corrected(values, splits.share(own))


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
