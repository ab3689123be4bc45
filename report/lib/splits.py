"""Errors of runs on overlapping splits of data sets: logarithms, pairs, corrected intervals."""

import numpy as np
import numpy.typing as npt
from scipy import stats as scipy_stats

from report.lib.stats import RESAMPLES, Estimate


def corrected(values: npt.ArrayLike, share: float) -> Estimate:
    """Mean over splits with the interval of Nadeau and Bengio (2003).

    Splits share training rows, so that their errors go together: the variance of the mean is
    `1 / n + share` times that of a value, in place of `1 / n`, and has n - 1 degrees of freedom.

    Args:
        values: one a split; NaN where there is none, which lowers n.
        share: test rows over training rows.
    """
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    n = found.size
    if not n:
        return Estimate(np.nan, np.full(RESAMPLES, np.nan), 0)
    spread = float(found.std(ddof=1)) * np.sqrt(1 / n + share) if n > 1 else np.nan
    # Draws are evenly spaced quantiles, as `np.percentile` places them; the outermost are infinite.
    shares = np.linspace(0, 1, RESAMPLES).clip(0.5 / RESAMPLES, 1 - 0.5 / RESAMPLES)
    quantiles = scipy_stats.t.ppf(shares, max(n - 1, 1))
    return Estimate(float(found.mean()), found.mean() + spread * quantiles, n)


def share(runs: list[dict]) -> float:
    """Test rows over fitted rows, the mean over runs."""
    found = [run["metrics"]["test_rows"] / run["metrics"]["fit_rows"] for run in runs]
    return float(np.mean(found)) if found else np.nan


def value(run: dict, metric: str, over: str | None = None) -> float:
    """A metric's logarithm, or that of its ratio to another; NaN where the run has none."""
    above = run["metrics"].get(metric)
    below = 1.0 if over is None else run["metrics"].get(over)
    return np.nan if above is None or below is None else float(np.log(above) - np.log(below))


def at_equal_training_error(run: dict, other: dict) -> float:
    """Log ratio of two runs' test errors at the same training error.

    It is the larger of the two lowest ones that the settings of the best validated points reach in
    the longest length.
    """
    paths = [path(one) for one in (run, other)]
    level = max(np.nanmin(train) for train, _ in paths)
    one, two = (at_level(train, test, level) for train, test in paths)
    return float(np.log(one) - np.log(two))


def at_level(train: npt.ArrayLike, test: npt.ArrayLike, level: float) -> float:
    """The test error of a run where its training error first falls to a level.

    Both are taken as straight in their logarithms between two checkpoints. NaN if it never does.

    Args:
        train, test: Errors at the checkpoints.
        level: Positive float.
    """
    train, test = (np.asarray(each, dtype=float) for each in (train, test))
    below = np.flatnonzero(train <= level)
    if not len(below):
        return np.nan
    at = below[0]
    if at == 0 or train[at] == level:
        return float(test[at])
    logs = np.log([train[at], train[at - 1]])
    return float(np.exp(np.interp(np.log(level), logs, np.log([test[at], test[at - 1]]))))


def lengths(run: dict) -> list[int]:
    """The lengths for which a run was trained, in steps."""
    ends = [key.partition("_") for key in run["curves"]]
    return sorted(int(length) for length, _, what in ends if what == "steps")


def path(run: dict) -> tuple[np.ndarray, np.ndarray]:
    """Training and test errors on the way through the longest length, at the best one's setting."""
    longest, trial = lengths(run)[-1], int(run["metrics"]["best_trial"])
    train, test = (
        np.array(run["curves"][f"{longest}_{part}_rmse"][trial], dtype=float)
        for part in ("train", "test")
    )
    return train, test
