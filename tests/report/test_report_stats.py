"""The report's intervals, disagreement and number formats against oracles."""

import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr

from report.lib import latex, stats


def test_bootstrap_of_two_runs_is_its_known_distribution():
    estimate = stats.mean([1.0, 3.0])
    values, counts = np.unique(estimate.draws, return_counts=True)
    assert values.tolist() == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(counts / stats.RESAMPLES, [0.25, 0.5, 0.25], atol=0.02)
    assert (estimate.value, estimate.low, estimate.high, estimate.n) == (2.0, 1.0, 3.0, 2)


def test_bootstrap_interval_is_that_of_all_resamples():
    values = np.array([0.1, 0.4, 0.5, 0.7, 2.0])
    every = [np.mean(draw) for draw in itertools.product(values, repeat=5)]
    low, high = np.percentile(every, [2.5, 97.5])
    estimate = stats.mean(values)
    assert estimate.low == pytest.approx(low, abs=0.03)
    assert estimate.high == pytest.approx(high, abs=0.03)


def test_bootstrap_repeats_and_variants_are_independent():
    values = np.arange(10.0)
    assert np.array_equal(stats.mean(values).draws, stats.mean(values).draws)
    difference = stats.mean(values).minus(stats.mean(values, stream=1))
    assert difference.value == 0
    assert difference.low < 0 < difference.high


def test_one_run_has_no_interval_and_none_no_mean():
    assert np.isnan(stats.mean([1.0]).low)
    assert stats.mean([np.nan, 2.0]).n == 1
    assert np.isnan(stats.mean([]).value)


@pytest.mark.parametrize("other, share", [(0.9, 0.0), (0.1, 1.0), ("half", 0.5)])
def test_disagreement_of_known_landscapes(other, share):
    first = np.full((4, 4), 0.9)
    second = np.full((4, 4), 0.9 if other == "half" else other)
    second[:2] = 0.1 if other == "half" else second[:2]
    assert stats.disagreement([first, second]).value == share


def test_rank_correlation_of_means_is_spearmans_and_resamples_runs():
    rng = np.random.default_rng(0)
    places, values = [0.0, 0.1, 0.2, 0.3, 0.4], rng.normal(size=(6, 5)) + np.arange(5)
    found = stats.rank_correlation_of_mean(places, values)
    assert found.value == pytest.approx(spearmanr(places, values.mean(axis=0)).statistic)
    drawn = stats.resample(6)[17]
    once_more = np.repeat(values, drawn.astype(int), axis=0).mean(axis=0)
    assert found.draws[17] == pytest.approx(spearmanr(places, once_more).statistic)
    assert found.n == 6 and found.low <= found.value <= found.high
    assert np.isnan(stats.rank_correlation_of_mean(places, np.ones((3, 5))).value)
    assert stats.rank_correlation_of_mean(places, []).n == 0


def test_disagreement_never_pairs_a_run_with_itself():
    shares = stats.disagreement([np.zeros((2, 2)), np.ones((2, 2))])
    finite = shares.draws[np.isfinite(shares.draws)]
    assert np.all(finite == 1.0)
    assert np.isnan(shares.draws).mean() == pytest.approx(0.5, abs=0.02)


def test_disagreement_is_the_mean_over_pairs(rng_seed=3):
    rng = np.random.default_rng(rng_seed)
    grids = [rng.random((5, 5)) for _ in range(4)]
    pairs = [np.mean((a > 0.5) != (b > 0.5)) for a, b in itertools.combinations(grids, 2)]
    assert stats.disagreement(grids).value == pytest.approx(np.mean(pairs))


def test_boundary_shift_is_zero_for_equal_and_one_for_opposite_variants():
    ones, zeros = [np.ones((3, 3))] * 3, [np.zeros((3, 3))] * 3
    assert stats.boundary_shift(ones, ones).value == 0
    assert stats.boundary_shift(ones, zeros).value == 1


def test_near_counts_cells_within_the_radius():
    axis = np.linspace(-1, 1, 3)
    mask = stats.near(np.array([[1.0, 0.0]]), axis, 0.5)
    assert mask.tolist() == [[False] * 3, [False, False, True], [False] * 3]


@pytest.mark.parametrize(
    "value, text",
    [
        (0.000622, r"\num{6.22e-04}"),
        (0.0113, r"\num{0.0113}"),
        (200.4, r"\num{200}"),
        (0.9996, r"\num{1.00}"),
        (0.0, r"\num{0.00}"),
        (float("nan"), "--"),
    ],
)
def test_loss_format(value, text):
    assert latex.loss(value) == text
