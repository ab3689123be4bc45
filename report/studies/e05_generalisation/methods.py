"""Ranks and reliability of the methods over data sets and splits."""

from pathlib import Path

import numpy as np
from scipy.stats import rankdata, studentized_range

from report.lib import load, stats, tabular
from report.studies.e05_generalisation.looks import IMAGES, METHODS, TABLES

NAMES = [*tabular.REGRESSION, *tabular.CLASSIFICATION]


def everything(results: Path) -> list[dict]:
    """The runs on tables and on images."""
    return tabular.runs(results, (TABLES, IMAGES))


def present(runs_: list[dict]) -> list[str]:
    """The methods that a profile has."""
    return [name for name in METHODS if load.of(runs_, name)]


def rank_table(runs_: list[dict]) -> np.ndarray:
    """Ranks by split, data set and method, 1 the best; `(splits, sets, methods)`."""
    found, names = present(runs_), tabular.present(runs_, NAMES)
    tables = [[tabular.by_split(runs_, m, tabular.metric(name)) for m in found] for name in names]
    splits = (
        sorted(set.intersection(*(set(one) for row in tables for one in row))) if tables else []
    )
    if not splits:
        return np.zeros((0, 0, len(found)))
    values = np.array([[[one[k] for one in row] for row in tables] for k in splits])
    sign = np.array([1.0 if tabular.kind(name) == "regression" else -1.0 for name in names])
    values = np.round(sign[None, :, None] * values, 9)  # equal counts of right answers tie
    values = np.nan_to_num(values, nan=np.inf)  # a diverged net is the last
    return rankdata(values, axis=2)


def mean_ranks(runs_: list[dict]) -> dict[str, stats.Estimate]:
    """Mean rank of each method over data sets and splits; the bootstrap draws splits."""
    table = rank_table(runs_)
    if not table.size:
        return {}
    means = table.mean(axis=1)  # (splits, methods)
    return {name: stats.mean(means[:, k]) for k, name in enumerate(present(runs_))}


def critical_difference(runs_: list[dict]) -> float:
    """Nemenyi's, at 5 per cent: mean ranks over the data sets that lie closer do not differ."""
    _, sets, count = rank_table(runs_).shape
    if count < 2 or not sets:
        return np.nan
    return float(
        studentized_range.ppf(0.95, count, np.inf)
        / np.sqrt(2)
        * np.sqrt(count * (count + 1) / 6 / sets)
    )


def reliability(runs_: list[dict], variant: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean confidence and accuracy by bin, over all tables for classification and splits."""
    keys = ("bin_count", "bin_confidence", "bin_right")
    sums = [np.zeros(0)] * 3
    for run in load.of(runs_, variant):
        for name in tabular.CLASSIFICATION:
            if f"{name}_bin_count" in run["curves"]:
                parts = [np.array(run["curves"][f"{name}_{key}"], dtype=float) for key in keys]
                sums = [a + b if a.size else b for a, b in zip(sums, parts, strict=True)]
    count, confidence, right = sums
    used = count > 0
    return count[used], confidence[used] / count[used], right[used] / count[used]


def calibration(runs_: list[dict], variant: str) -> stats.Estimate:
    """Expected calibration error, the mean over the tables for classification."""
    names = tabular.present(runs_, tabular.CLASSIFICATION)
    tables = [tabular.by_split(runs_, variant, f"{name}_ece") for name in names]
    splits = sorted(set.intersection(*(set(one) for one in tables))) if tables else []
    return stats.mean([np.mean([one[k] for one in tables]) for k in splits])
