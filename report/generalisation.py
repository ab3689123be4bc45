"""Ranks, reliability and macros of e05: generalisation on tables and images."""

import numpy as np
from scipy.stats import rankdata, studentized_range

from report import latex, load, stats, tabular
from report.variants import VARIANTS

TABLES, IMAGES = "e05_generalisation", "e05_images"
METHODS = list(VARIANTS[TABLES])
NAMES = [*tabular.REGRESSION, *tabular.CLASSIFICATION]


def everything(results) -> list[dict]:
    """The runs on tables and on images."""
    return tabular.runs(results, (TABLES, IMAGES))


def methods(runs_: list[dict]) -> list[str]:
    """The methods that a profile has."""
    return [name for name in METHODS if load.of(runs_, name)]


def rank_table(runs_: list[dict]) -> np.ndarray:
    """Ranks by split, data set and method, 1 the best; `(splits, sets, methods)`."""
    found, names = methods(runs_), tabular.present(runs_, NAMES)
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
    return {name: stats.mean(means[:, k]) for k, name in enumerate(methods(runs_))}


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


def macros(runs_: list[dict], experiment: str) -> dict[str, str]:
    """Numbers of the text: `\\EFiveGeneralisationInferredConcrete` is a difference to backprop."""
    own = "EFive" + latex.camel(experiment.partition("_")[2])
    names = [*tabular.IMAGES] if experiment == IMAGES else NAMES
    sizes = sorted({len(load.of(runs_, variant)) for variant in methods(runs_)}) or [0]
    found = {own + "N": str(sizes[-1])}
    if experiment == TABLES:
        found[own + "Critical"] = latex.fixed(critical_difference(runs_), 2)
    ranks = mean_ranks(runs_) if experiment == TABLES else {}
    lost = sum(run["status"] == "diverged" for run in runs_)
    found[own + "Lost"] = str(lost)
    for variant in VARIANTS[experiment]:
        prefix = own + latex.camel(variant)
        found[prefix + "Rank"] = latex.with_interval(ranks.get(variant, stats.mean([])), _two)
        found[prefix + "Ece"] = latex.with_interval(calibration(runs_, variant), latex.fixed)
        for which, sets in (("Regression", tabular.REGRESSION), ("Classification", names)):
            chosen = [n for n in sets if which == "Regression" or n not in tabular.REGRESSION]
            mean = tabular.mean_difference(runs_, variant, chosen)
            found[prefix + which] = latex.with_interval(mean, tabular.signed)
        places = [tabular.within(tabular.difference(runs_, variant, n), n) for n in names]
        found |= {
            prefix + word.capitalize(): str(places.count(word)) for word in ("holds", "fails")
        }
        for name in names:
            estimate = tabular.difference(runs_, variant, name)
            found[prefix + latex.camel(name)] = latex.with_interval(estimate, tabular.signed)
            score = tabular.metric(name).replace("log_", "")
            iqm = tabular.interquartile(tabular.by_split(runs_, variant, score).values())
            found[prefix + latex.camel(name) + "Score"] = latex.significant(iqm.value, 3)
    return found


def _two(value: float) -> str:
    return latex.fixed(value, 2)
