"""What the report makes of e05 and e06: paired differences, ranks, and claims about them."""

import numpy as np
import pytest
from report_run import write
from scipy import stats as scipy_stats

from report.claims import judge
from report.lib import stats, tabular
from report.studies.e05_generalisation import methods


def run(variant, seed, status="ok", **metrics):
    return {
        "experiment": "e05_generalisation",
        "variant": variant,
        "seed": seed,
        "status": status,
        "metrics": metrics,
        "curves": {"trials": [{"rate": 0.1}, {"rate": 0.2}]},
    }


def made_up():
    """Two methods on two splits: 10 and 20 per cent worse, 2 points worse and as good."""
    bp = [
        run("bp", k, concrete_log_rmse=np.log(5.0 + k), wine_accuracy=0.9 + 0.05 * k, wine_ece=0.1)
        for k in range(2)
    ]
    other = [
        run(
            "inferred",
            k,
            concrete_log_rmse=np.log((5.0 + k) * (1.1, 1.2)[k]),
            wine_accuracy=(0.88, 0.95)[k],
            wine_ece=0.2 * k,
            concrete_trial=k,
        )
        for k in (1, 0)
    ]
    return [*bp, *other]


def test_differences_are_of_the_same_split():
    runs = made_up()
    found = tabular.difference(runs, "inferred", "concrete")
    assert found.value == pytest.approx(100 * (np.sqrt(1.1 * 1.2) - 1)) and found.n == 2
    assert found.low == pytest.approx(10) and found.high == pytest.approx(20)
    assert tabular.difference(runs, "inferred", "wine").value == pytest.approx(-1)
    assert tabular.within(found, "concrete") == "fails"
    both = tabular.mean_difference(runs, "inferred", ["concrete"])
    assert both.value == pytest.approx(found.value)
    assert tabular.mean_difference(runs, "inferred", ["kin8nm"]).n == 0


@pytest.mark.parametrize(
    "low, high, name, word",
    [(-3, 1, "energy", "holds"), (1, 3, "energy", "open"), (-0.5, 4, "wine", "holds")]
    + [(-4, -2, "wine", "fails"), (-2, 0, "wine", "open")],
)
def test_tolerance_is_one_sided(low, high, name, word):
    estimate = stats.Estimate((low + high) / 2, np.linspace(low, high, 101), 20)
    assert tabular.within(estimate, name) == word


def test_interquartile_mean_is_scipys():
    values = np.random.default_rng(0).normal(size=20)
    found = tabular.interquartile([*values, np.nan])
    assert found.value == pytest.approx(scipy_stats.trim_mean(values, 0.25)) and found.n == 20
    assert found.low < found.value < found.high


def test_ranks_and_their_critical_difference():
    runs = made_up()
    ranks = methods.mean_ranks(runs)
    # Concrete: backprop first on both splits. Wine: first on split 0, equal on split 1.
    assert ranks["bp"].value == pytest.approx((1 + 1 + 1 + 1.5) / 4)
    assert ranks["inferred"].value == pytest.approx((2 + 2 + 2 + 1.5) / 4)
    # Demsar (2006), table 5: q = 1.960 for two methods at .05.
    assert methods.critical_difference(runs) == pytest.approx(1.960 / np.sqrt(2), rel=1e-3)
    lost = run("inferred", 1, "diverged", concrete_log_rmse=None, wine_accuracy=None)
    kept = [one for one in runs if (one["variant"], one["seed"]) != ("inferred", 1)]
    assert methods.mean_ranks([*kept, lost])["inferred"].value > ranks["inferred"].value


def test_differences_carry_their_sign_and_zero_has_none():
    values = (-12.34, -0.04, 0.04, 0.06, float("nan"))
    assert [tabular.signed(v) for v in values] == ["$-$12.3", "0.0", "0.0", "$+$0.1", "--"]


def test_choices_are_counted():
    assert tabular.trials(made_up(), "inferred") == [("rate 0.1", 1), ("rate 0.2", 1)]


def test_a_paired_criterion_subtracts_the_run_of_the_same_split(tmp_path):
    write(tmp_path, made_up())
    criterion = {"experiment": "e05_generalisation", "metric": "concrete_log_rmse"}
    criterion |= {"variant": "inferred", "minus": "bp", "paired": True, "min_n": 2}
    outcome = judge.judge_criterion(criterion | {"at_most": np.log(1.25)}, tmp_path)
    (estimate,) = outcome.estimates
    assert outcome.verdict == judge.HOLDS
    assert sorted(set(np.round(estimate.draws, 6))) == pytest.approx(
        [np.log(1.1), np.log(1.1 * 1.2) / 2, np.log(1.2)], abs=1e-5
    )
    assert judge.judge_criterion(criterion | {"at_most": 0.05}, tmp_path).verdict == judge.FAILS
