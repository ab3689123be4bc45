"""The learned alphas in the report: shares, their agreement with the source, macros."""

import numpy as np
import pytest
from alpha_run import WEIGHTS, alpha_part
from scipy.stats import spearmanr

from report.claims import judge
from report.studies.e11_relu_alpha import alphas, numbers
from report.studies.e11_relu_alpha.looks import ALL_WEIGHTS


def made(variant, seeds=3, finals=None):
    return [
        {"variant": variant, "seed": seed, "status": "ok", **alpha_part(seed, finals)}
        for seed in range(seeds)
    ]


def test_shares_are_means_over_runs_of_alphas_at_most_a_twentieth():
    runs = made("code")
    runs[0]["curves"]["final"][3] = [None] * 3  # a net that diverged is in no share
    found = alphas.shares(runs, "code")
    assert [round(found[w].value, 6) for w in WEIGHTS] == [0.0, 0.666667, 0.666667, 1.0]
    assert [found[w].n for w in WEIGHTS] == [3, 3, 3, 2]
    assert alphas.shares(runs, "document") == {}


def test_correlation_with_the_source_is_spearmans():
    finals = [[0.9, 0, 0.9], [0, 0, 0], [0, 0.9, 0], [0, 0, 0.7]]
    runs = made("code", 4, finals)
    runs[1]["curves"]["final"] = [[0.9, 0.9, 0.9], [0, 0, 0], [0.9, 0.9, 0], [0, 0, 0]]
    ours = [alphas.shares(runs, "code")[w].value for w in WEIGHTS]
    expected = spearmanr(ours, [alphas.source()[w] for w in WEIGHTS]).statistic
    found = alphas.correlation(runs, "code")
    assert found.value == pytest.approx(expected)
    assert found.low <= found.value <= found.high and found.n == 4
    assert np.isnan(alphas.correlation(made("code", 2, [[0, 0, 0]] * 4), "code").value)


def test_inside_names_the_weights_whose_interval_holds_the_source():
    runs = made("code", 2, [[0.9, 0.9, 0.9], [0, 0, 0.9], [0, 0, 0.9], [0, 0, 0]])
    runs[1]["curves"]["final"] = [[0, 0, 0.9], [0, 0, 0.9], [0, 0.9, 0.9], [0, 0, 0]]
    assert alphas.inside(runs, "code") == [0.0, 0.025, 0.05]
    away = alphas.distances(runs, "code")
    assert away[0.02] == pytest.approx(2 / 3 - 0.767)


def test_spread_is_the_deviation_of_a_difference_of_two_means_over_thirty_networks():
    runs = made("dip", 4)
    for seed, at_zero in enumerate((0, 1, 2, 3)):  # alphas at zero at both weights
        net = [0.0] * at_zero + [0.9] * (3 - at_zero)
        runs[seed]["curves"]["final"] = [net] * 4
    deviation = np.std([0, 1 / 3, 2 / 3, 1], ddof=1)
    assert alphas.spread(runs) == pytest.approx(deviation * (2 / 30) ** 0.5)
    assert np.isnan(alphas.spread(made("dip", 1)))


def test_the_source_file_has_the_eleven_weights_in_order():
    source = alphas.source()
    np.testing.assert_allclose(list(source), np.arange(11) * 0.005)
    counts = 90 * np.array(list(source.values()))
    np.testing.assert_allclose(counts, np.rint(counts), atol=0.05)  # each is a count of 90 alphas


def test_the_sources_files_one_by_one_add_up_to_its_percentages():
    for weight, shares in alphas.source_files().items():
        assert shares.mean() == pytest.approx(alphas.source()[weight], abs=5e-4)


def test_networks_are_linear_whose_alphas_all_ended_at_zero():
    found = alphas.accuracies(made("code"), "code")  # the last of four nets: see alpha_part
    assert found[True].value == pytest.approx(np.mean([0.6, 0.61, 0.62]))
    assert found[False].value == pytest.approx(np.mean([0.7, 0.71, 0.72]))


def test_macros_are_there_for_every_protocol_and_without_any_run():
    full = numbers.of_alphas([run for v in ALL_WEIGHTS for run in made(v)])
    assert full.keys() == numbers.of_alphas([]).keys()
    assert full["EOneOneCodeThirdLargest"] == "0.50"
    assert full["EOneOneCodeFirstLayerAtOne"] == "0.000"
    assert full["EOneOneSourceDip"] == "$-$21.1"
    assert not any("nan" in text for text in full.values())


def test_a_smaller_fall_than_half_the_sources_does_not_hold():
    (claim,) = [one for one in judge.read()["claims"] if one["id"] == "C12"]
    (criterion,) = claim["criteria"]
    rng = np.random.default_rng(0)
    for mean, verdict in ((-0.3, judge.HOLDS), (0.1, judge.FAILS), (-0.1, judge.OPEN)):
        values = mean + 0.05 * rng.normal(size=12)
        values += mean - values.mean()
        assert judge.verdict(criterion, alphas.stats.mean(values)) == verdict
