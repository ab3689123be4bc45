"""What the report makes of e17: pairs of a split, corrected intervals, cost, criteria."""

import numpy as np
import pytest
from report_run import as_saved, write
from scipy import stats as scipy_stats
from tables_run import tables_part

from report.claims import judge
from report.lib import choices, splits
from report.studies.e17_tables import compared


def run(method, seed, **changed):
    part = tables_part(0)
    part["metrics"] |= {name.replace("__", "-"): value for name, value in changed.items()}
    own = {"experiment": "e17_tables", "variant": method, "seed": seed, "status": "ok"}
    return as_saved(own | part | {"provenance": {}})


def made_up():
    """Multipliers are 10 and 20 per cent worse on energy, 10 per cent better on wine."""
    errors = {"energy_best_test_rmse": 0.5, "wine-quality-red_best_test_rmse": 0.6}
    base = [run("bp_full", k, **errors) for k in (0, 1)]
    others = [
        run(
            "multipliers",
            k,
            **{
                "energy_best_test_rmse": 0.5 * (1.1, 1.2)[k],
                "wine-quality-red_best_test_rmse": 0.54,
                "energy_last_test_rmse": 0.5 * (1.1, 1.2)[k] * 1.5,
                "wine-quality-red_last_test_rmse": 0.54,
                "energy_best_steps": 8,
                "energy_seconds": 0.3,
            },
        )
        for k in (1, 0)
    ]
    return [*base, *others]


def test_differences_are_log_ratios_of_the_same_split():
    found = compared.difference(made_up(), "multipliers", ["energy"])
    assert found.value == pytest.approx(np.log(1.1 * 1.2) / 2) and found.n == 2
    both = compared.difference(made_up(), "multipliers", ["energy", "wine-quality-red"])
    assert both.value == pytest.approx((np.log(1.1 * 1.2) / 2 + np.log(0.9)) / 2)
    assert compared.in_per_cent(found).value == pytest.approx(100 * (np.sqrt(1.32) - 1))
    assert compared.difference(made_up(), "penalty", ["energy"]).n == 0


def test_the_interval_is_that_of_nadeau_and_bengio():
    values, share = np.random.default_rng(0).normal(size=10), 1 / 9
    found = splits.corrected([*values, np.nan], share)
    error = values.std(ddof=1) * np.sqrt(1 / 10 + share)
    low, high = scipy_stats.t.interval(0.95, 9, values.mean(), error)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-3)
    assert found.value == values.mean() and found.n == 10
    assert np.isnan(splits.corrected([1.0], share).low)
    assert splits.share([run("bp_full", 0)], ["energy"]) == pytest.approx(4 / 36)


def test_overfitting_and_cost():
    runs = made_up()
    found = compared.overfitting(runs, "multipliers", ["energy", "wine-quality-red"])
    assert found.value == pytest.approx(np.log(1.5) / 2)
    steps = compared.cost(runs, "multipliers", ["energy"], seconds=False)
    seconds = compared.cost(runs, "multipliers", ["energy"], seconds=True)
    assert compared.as_ratio(steps).value == pytest.approx(4)
    assert compared.as_ratio(seconds).value == pytest.approx(12)


def test_test_errors_at_the_same_training_error():
    one, two = run("bp_full", 0), run("multipliers", 0)
    for each, train, test in ((one, [4, 2, 1], [8, 4, 6]), (two, [4, 2], [6, 5])):
        for part, values in (("train", train), ("test", test)):
            each["curves"][f"energy_4_{part}_rmse"] = [[9] * len(values), values]
    found = splits.at_equal_training_error(two, one, ["energy"])
    assert found == pytest.approx(np.log(5 / 4))  # at 2, which both reach
    assert splits.lengths(one, "energy") == [2, 4]


def test_test_error_at_a_training_error():
    train, test = [4.0, 2.0, 1.0, 3.0, 0.5], [8.0, 6.0, 6.0, 7.0, 9.0]
    assert splits.at_level(train, test, 4.0) == 8.0 and splits.at_level(train, test, 2.0) == 6.0
    between = np.exp((np.log(8) + np.log(6)) / 2)
    assert splits.at_level(train, test, np.sqrt(8)) == pytest.approx(between)
    assert splits.at_level(train, test, 9.0) == 8.0 and np.isnan(splits.at_level(train, test, 0.4))


def test_criteria_over_data_sets(tmp_path):
    write(tmp_path, made_up())
    criterion = {"experiment": "e17_tables", "over": ["energy", "wine-quality-red"]}
    criterion |= {"variant": "multipliers", "minus": "bp_full", "min_n": 2, "on": "value"}
    good = criterion | {"metric": "{}_best_test_rmse"}
    (estimate,) = judge.judge_criterion(good | {"at_most": 0.02}, tmp_path).estimates
    assert estimate.value == pytest.approx((np.log(1.32) / 2 + np.log(0.9)) / 2)
    assert judge.judge_criterion(good | {"at_most": 0.01}, tmp_path).verdict == judge.FAILS
    assert judge.judge_criterion(good | {"at_most": 0.02}, tmp_path).verdict == judge.HOLDS
    long = {"metric": "{}_last_test_rmse", "relative_to": "{}_best_test_rmse"}
    (found,) = judge.judge_criterion(criterion | long | {"at_most": 0.0}, tmp_path).estimates
    base = (np.log(0.9 / 0.5) + np.log(0.9 / 0.6)) / 2
    assert found.value == pytest.approx(np.log(1.5) / 2 - base)
    equal = criterion | {"metric": "test_error", "at": "equal training error", "at_most": 0.0}
    (found,) = judge.judge_criterion(equal, tmp_path).estimates
    assert found.value == pytest.approx(0.0) and found.n == 2


def test_differences_carry_their_sign_and_zero_has_none():
    values = (-12.34, -0.04, 0.04, 0.06, float("nan"))
    assert [choices.signed(v) for v in values] == ["$-$12.3", "0.0", "0.0", "$+$0.1", "--"]


def test_choices_of_the_best_points_are_counted():
    found = choices.trials(made_up(), "multipliers")
    assert found == [("rate 0.1", 0), ("rate 0.2, weight 1", 6)]
