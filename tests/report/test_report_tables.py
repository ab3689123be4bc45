"""What the report makes of e17: pairs of a split, corrected intervals, cost, criteria."""

import numpy as np
import pytest
from report_run import as_saved, write
from scipy import stats as scipy_stats
from tables_run import tables_part

from report.claims import judge
from report.lib import choices, splits
from report.studies.e17_tables import compared
from report.studies.e17_tables.looks import CONCRETE, ENERGY, WINE


def run(data_set, method, seed, **changed):
    part = tables_part(0)
    part["metrics"] |= changed
    own = {"experiment": data_set.name, "variant": method, "seed": seed, "status": "ok"}
    return as_saved(own | part | {"provenance": {}})


def made_up():
    """Multipliers are 10 and 20 per cent worse on energy, 10 per cent better on wine."""
    runs = {ENERGY: [], WINE: []}
    for k in (1, 0):
        runs[ENERGY].append(run(ENERGY, "bp_full", k, best_test_rmse=0.5))
        runs[WINE].append(run(WINE, "bp_full", k, best_test_rmse=0.6))
        error = 0.5 * (1.1, 1.2)[k]
        changed = {"best_test_rmse": error, "last_test_rmse": 1.5 * error}
        changed |= {"best_steps": 8, "seconds": 0.3}
        runs[ENERGY].append(run(ENERGY, "multipliers", k, **changed))
        changed = {"best_test_rmse": 0.54, "last_test_rmse": 0.54}
        runs[WINE].append(run(WINE, "multipliers", k, **changed))
    return runs


def test_differences_are_log_ratios_of_the_same_split():
    found = compared.difference(made_up(), "multipliers", [ENERGY])
    assert found.value == pytest.approx(np.log(1.1 * 1.2) / 2) and found.n == 2
    both = compared.difference(made_up(), "multipliers", [ENERGY, WINE])
    assert both.value == pytest.approx((np.log(1.1 * 1.2) / 2 + np.log(0.9)) / 2)
    assert compared.in_per_cent(found).value == pytest.approx(100 * (np.sqrt(1.32) - 1))
    assert compared.difference(made_up(), "penalty", [ENERGY]).n == 0
    assert compared.difference(made_up(), "multipliers", [ENERGY, CONCRETE]).n == 0


def test_the_interval_is_that_of_nadeau_and_bengio():
    values, share = np.random.default_rng(0).normal(size=10), 1 / 9
    found = splits.corrected([*values, np.nan], share)
    error = values.std(ddof=1) * np.sqrt(1 / 10 + share)
    low, high = scipy_stats.t.interval(0.95, 9, values.mean(), error)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-7)
    assert found.value == values.mean() and found.n == 10
    assert np.isnan(splits.corrected([1.0], share).low)
    assert splits.share([run(ENERGY, "bp_full", 0)]) == pytest.approx(4 / 36)


def test_overfitting_and_cost():
    runs = made_up()
    found = compared.overfitting(runs, "multipliers", [ENERGY, WINE])
    assert found.value == pytest.approx(np.log(1.5) / 2)
    steps = compared.cost(runs, "multipliers", [ENERGY], seconds=False)
    seconds = compared.cost(runs, "multipliers", [ENERGY], seconds=True)
    assert compared.as_ratio(steps).value == pytest.approx(4)
    assert compared.as_ratio(seconds).value == pytest.approx(12)


def test_test_errors_at_the_same_training_error():
    one, two = run(ENERGY, "bp_full", 0), run(ENERGY, "multipliers", 0)
    for each, train, test in ((one, [4, 2, 1], [8, 4, 6]), (two, [4, 2], [6, 5])):
        for part, values in (("train", train), ("test", test)):
            each["curves"][f"4_{part}_rmse"] = [[9] * len(values), values]
    found = splits.at_equal_training_error(two, one)
    assert found == pytest.approx(np.log(5 / 4))  # at 2, which both reach
    assert splits.lengths(one) == [2, 4]


def test_test_error_at_a_training_error():
    train, test = [4.0, 2.0, 1.0, 3.0, 0.5], [8.0, 6.0, 6.0, 7.0, 9.0]
    assert splits.at_level(train, test, 4.0) == 8.0 and splits.at_level(train, test, 2.0) == 6.0
    between = np.exp((np.log(8) + np.log(6)) / 2)
    assert splits.at_level(train, test, np.sqrt(8)) == pytest.approx(between)
    assert splits.at_level(train, test, 9.0) == 8.0 and np.isnan(splits.at_level(train, test, 0.4))


def test_criteria_over_data_sets(tmp_path):
    write(tmp_path, [run for own in made_up().values() for run in own])
    criterion = {"experiment": [ENERGY.name, WINE.name], "variant": "multipliers"}
    criterion |= {"minus": "bp_full", "min_n": 2, "on": "value"}
    good = criterion | {"metric": "best_test_rmse"}
    (estimate,) = judge.judge_criterion(good | {"at_most": 0.02}, tmp_path).estimates
    assert estimate.value == pytest.approx((np.log(1.32) / 2 + np.log(0.9)) / 2)
    assert judge.judge_criterion(good | {"at_most": 0.01}, tmp_path).verdict == judge.FAILS
    assert judge.judge_criterion(good | {"at_most": 0.02}, tmp_path).verdict == judge.HOLDS
    long = {"metric": "last_test_rmse", "relative_to": "best_test_rmse", "at_most": 0.0}
    (found,) = judge.judge_criterion(criterion | long, tmp_path).estimates
    base = (np.log(0.9 / 0.5) + np.log(0.9 / 0.6)) / 2
    assert found.value == pytest.approx(np.log(1.5) / 2 - base)
    equal = {"metric": "test_error", "at": "equal training error", "at_most": 0.0}
    (found,) = judge.judge_criterion(criterion | equal, tmp_path).estimates
    assert found.value == pytest.approx(0.0) and found.n == 2


def test_differences_carry_their_sign_and_zero_has_none():
    values = (-12.34, -0.04, 0.04, 0.06, float("nan"))
    assert [choices.signed(v) for v in values] == ["$-$12.3", "0.0", "0.0", "$+$0.1", "--"]


def test_choices_of_the_best_points_are_counted():
    runs = [run for own in made_up().values() for run in own]
    found = choices.trials(runs, "multipliers")
    assert found == [("rate 0.1", 0), ("rate 0.2, weight 1", 4)]
