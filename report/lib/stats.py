"""Seeded bootstrap intervals and the disagreement of decision boundaries."""

import functools
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

RESAMPLES = 10_000
COVERAGE = 95  # per cent


class Estimate(NamedTuple):
    """A statistic, its bootstrap draws and the number of runs behind it (the smaller one)."""

    value: float
    draws: np.ndarray
    n: int

    @property
    def low(self) -> float:
        return self._quantile(50 - COVERAGE / 2)

    @property
    def high(self) -> float:
        return self._quantile(50 + COVERAGE / 2)

    def _quantile(self, percent: float) -> float:
        finite = self.draws[np.isfinite(self.draws)]
        return float(np.percentile(finite, percent)) if self.n > 1 and finite.size else np.nan

    def minus(self, other: "Estimate") -> "Estimate":
        """The difference of two statistics (draws are paired by their position)."""
        n = min(self.n, other.n)
        return Estimate(self.value - other.value, self.draws - other.draws, n)


@functools.lru_cache(maxsize=64)
def resample(n: int, stream: int = 0) -> np.ndarray:
    """How often each of n runs is drawn in each resample, shape (RESAMPLES, n), read-only."""
    rng = np.random.default_rng([2026, stream])
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)
    drawn.flags.writeable = False
    return drawn


def mean(values, stream: int = 0) -> Estimate:
    """Mean over runs; runs without a value (NaN) do not enter and lower n.

    Statistics of different variants need different streams to be independent.
    """
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return Estimate(np.nan, np.full(RESAMPLES, np.nan), 0)
    return Estimate(
        float(values.mean()), resample(values.size, stream) @ values / values.size, values.size
    )


def rank_correlation_of_mean(places, values) -> Estimate:
    """Spearman's correlation of places with the mean over runs of the values there; NaN where
    these are all the same.

    Args:
        places: Array `(k,)`.
        values: Array `(runs, k)`; runs are resampled, not places.
    """
    values = np.asarray(values, dtype=float).reshape(-1, len(places))
    n, order = len(values), rankdata(places)
    if not n:
        return Estimate(np.nan, np.full(RESAMPLES, np.nan), 0)
    means = np.concatenate([values.mean(axis=0, keepdims=True), resample(n) @ values / n])
    ranks = rankdata(means.round(12), axis=1)  # sums in another order are ties all the same
    order, ranks = order - order.mean(), ranks - ranks.mean(axis=1, keepdims=True)
    size = np.sqrt((order**2).sum() * (ranks**2).sum(axis=1))
    found = np.divide(ranks @ order, size, out=np.full(len(ranks), np.nan), where=size > 0)
    return Estimate(float(found[0]), found[1:], n)


def pairwise(first: list[np.ndarray], second: list[np.ndarray], mask=None) -> np.ndarray:
    """Share of grid cells on which the classes of two runs differ, shape (first, second)."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    mask = np.ones(first[0].shape, bool) if mask is None else mask
    one, two = ([grid[mask] > 0.5 for grid in grids] for grids in (first, second))
    return np.array([[np.mean(a != b) for b in two] for a in one])


def disagreement(grids: list[np.ndarray], mask=None, stream: int = 0) -> Estimate:
    """Mean share of differing cells over all pairs of runs; NaN for fewer than two runs."""
    shares, n = pairwise(grids, grids, mask), len(grids)
    if n < 2:
        return Estimate(np.nan, np.full(RESAMPLES, np.nan), n)
    return Estimate(
        float(_within(np.ones((1, n)), shares)[0]), _within(resample(n, stream), shares), n
    )


def boundary_shift(first: list[np.ndarray], second: list[np.ndarray]) -> Estimate:
    """Disagreement between two variants beyond that within them (zero if they draw alike)."""
    n = min(len(first), len(second))
    if n < 2:
        return Estimate(np.nan, np.full(RESAMPLES, np.nan), n)

    def shift(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        across = np.einsum("ri,ij,rj->r", one, pairwise(first, second), two)
        across = across / (one.sum(1) * two.sum(1))
        return across - (_within(one, own) + _within(two, other)) / 2

    own, other = pairwise(first, first), pairwise(second, second)
    value = shift(np.ones((1, len(first))), np.ones((1, len(second))))[0]
    return Estimate(float(value), shift(resample(len(first), 0), resample(len(second), 1)), n)


def _within(counts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Mean over pairs of different runs; a run drawn twice is not paired with itself."""
    pairs = counts.sum(1) ** 2 - (counts**2).sum(1)
    total = np.einsum("ri,ij,rj->r", counts, shares, counts)  # the diagonal of shares is zero
    return np.divide(total, pairs, out=np.full(len(counts), np.nan), where=pairs > 0)


def near(points: np.ndarray, axis: np.ndarray, radius: float) -> np.ndarray:
    """Grid cells within `radius` of any of `points`, shape (rows = y, columns = x)."""
    x, y = np.meshgrid(axis, axis)
    squared = (x[..., None] - points[:, 0]) ** 2 + (y[..., None] - points[:, 1]) ** 2
    return squared.min(-1) <= radius**2
