"""Verdicts on small made-up results."""

import math

import numpy as np
import pytest
from report_run import EXPERIMENTS, make_run, write

from report import verify
from report.claims import judge
from report.lib import setting_tables, stats
from report.studies.e02_deep.looks import EXPERIMENT as DEEP
from report.studies.overview import tables_claims


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One run of each variant."""
    pairs = [(name, variant) for name, one in EXPERIMENTS.items() for variant in one.variants]
    return write(tmp_path_factory.mktemp("results"), [make_run(*pair, seed=0) for pair in pairs])


def verdict_on(tmp_path, accuracies, **criterion):
    runs = [
        make_run(
            "e02_deep", "bp_default", k, 0.0 if a is None else a, "diverged" if a is None else "ok"
        )
        for k, a in enumerate(accuracies)
    ]
    base = {"experiment": "e02_deep", "metric": "test_accuracy", "variant": "bp_default"}
    claim = {"criteria": [base | {"min_n": 3} | criterion]}
    return judge.judge(claim, write(tmp_path, runs)).verdict


@pytest.mark.parametrize(
    "accuracies, criterion, verdict",
    [
        ([0.96, 0.97, 0.98], {"at_least": 0.95}, judge.HOLDS),
        ([0.90, 0.91, 0.92], {"at_least": 0.95}, judge.FAILS),
        ([0.90, 0.95, 0.99], {"at_least": 0.95}, judge.OPEN),
        ([0.96, 0.97], {"at_least": 0.95}, judge.OPEN),
        ([0.5, 0.5, 0.5], {"at_most": 0.55}, judge.HOLDS),
        ([0.9, 0.9, 0.9], {"at_least": 0.0, "at_most": 0.55}, judge.FAILS),
        ([1.0, 1.0, 0.9], {"at_least": 0.6, "level": 0.99, "on": "value"}, judge.HOLDS),
        ([1.0, 0.9, 0.9], {"at_least": 0.6, "level": 0.99, "on": "value"}, judge.FAILS),
        ([0.96, 0.97, 0.98, None], {"at_least": 0.95, "diverged": 0.5}, judge.OPEN),
        ([], {"at_least": 0.95}, judge.OPEN),
    ],
)
def test_verdict(tmp_path, accuracies, criterion, verdict):
    assert verdict_on(tmp_path, accuracies, **criterion) == verdict


def test_claim_fails_if_any_criterion_fails_and_holds_if_all_do(tmp_path):
    write(tmp_path, [make_run("e02_deep", "bp_default", seed) for seed in range(3)])
    base = {"experiment": "e02_deep", "metric": "test_accuracy", "variant": "bp_default"}
    good, bad = ({**base, "min_n": 3, "at_least": bound} for bound in (0.8, 0.95))
    unknown = {**good, "min_n": 10}
    verdicts = [
        judge.judge({"criteria": criteria}, tmp_path).verdict
        for criteria in ([good, good], [good, bad, unknown], [good, unknown])
    ]
    assert verdicts == [judge.HOLDS, judge.FAILS, judge.OPEN]


def test_every_claim_has_a_bound_and_known_names(results):
    for claim in judge.read()["claims"]:
        for criterion in claim["criteria"]:
            assert {"at_least", "at_most"} & criterion.keys()
            for experiment in judge.experiments(criterion):
                assert criterion["variant"] in EXPERIMENTS[experiment].variants
        assert claim.get("recorded", judge.OPEN) in (judge.HOLDS, judge.FAILS, judge.OPEN)
        if any(criterion["min_n"] > 1 for criterion in claim["criteria"]):  # not one of arithmetic
            assert judge.judge(claim, results).verdict == judge.OPEN  # one run is not enough


def test_verify_passes_quick_and_says_what_full_lacks(results, tmp_path, capsys):
    # One run contradicts any verdict, and made-up results have no checksums.
    assert verify.main([results, results, "quick"]) == 1
    said = capsys.readouterr().out
    assert "not decided" in said
    assert "SHA256SUMS is missing" in said
    assert verify.main([results, tmp_path, "full"]) == 1
    assert f"no runs in {tmp_path}" in capsys.readouterr().out


def test_pairs_are_runs_of_the_same_seed(tmp_path):
    """Differences that vary less than the runs, and a share of the other's value."""
    runs = [make_run("e02_deep", "bp_default", seed, 0.1 * seed) for seed in range(5)]
    runs += [
        make_run("e02_deep", "rai_growing", seed, 0.1 * seed + 0.05) for seed in (*range(4), 9)
    ]
    base = {"experiment": "e02_deep", "metric": "test_accuracy", "variant": "rai_growing"}
    base |= {"minus": "bp_default", "at_least": 0.04, "min_n": 4}
    folder = write(tmp_path, runs)
    paired = judge.judge_criterion(base | {"paired": True}, folder)
    assert paired.verdict == judge.HOLDS and paired.n == 4
    np.testing.assert_allclose(paired.estimates[0].value, 0.05)
    assert judge.judge_criterion(base, folder).verdict == judge.OPEN
    half = judge.judge_criterion(base | {"paired": True, "times": 0.5}, folder)
    np.testing.assert_allclose(half.estimates[0].value, 0.05 + 0.5 * 0.15)


def test_the_other_variant_may_have_another_metric(tmp_path):
    runs = [make_run("e02_deep", "bp_default", seed, 0.9) for seed in range(3)]
    runs += [make_run("e02_deep", "rai_growing", seed, 0.7) for seed in range(3)]
    for run in runs:
        run["metrics"]["train_accuracy"] = 0.2
    criterion = {"experiment": "e02_deep", "metric": "test_accuracy", "variant": "rai_growing"}
    criterion |= {"minus": "bp_default", "of_minus": "train_accuracy", "at_least": 0.4, "min_n": 3}
    found = judge.judge_criterion(criterion, write(tmp_path, runs))
    np.testing.assert_allclose(found.estimates[0].value, 0.7 - 0.2)
    of_one_run = criterion | {"minus": "rai_growing", "paired": True}
    found = judge.judge_criterion(of_one_run, tmp_path).estimates[0]
    np.testing.assert_allclose((found.value, found.low), 0.5)


def test_criterion_against_several_variants_is_one_against_each(tmp_path):
    file = tmp_path / "claims.toml"
    file.write_text(
        '[[claims]]\nid = "X"\ncriteria = [{ experiment = "e10_autoencoder", '
        'metric = "train_excess", variant = "locoprop_m", minus = ["sgd", "adam"], '
        "at_most = 0.0, min_n = 2 }]\n"
    )
    runs = []
    for variant, loss in (("locoprop_m", 100.0), ("sgd", 150.0), ("adam", 50.0)):
        runs += [make_run("e10_autoencoder", variant, seed) for seed in range(2)]
        for run in runs[-2:]:
            run["metrics"]["train_excess"] = loss + run["seed"]
    (claim,) = judge.read(file)["claims"]
    outcome = judge.judge(claim, write(tmp_path, runs))
    assert outcome.verdict == judge.FAILS
    (pairs,) = judge.contests(claim, outcome).values()
    assert [judge.verdict(*pair) for pair in pairs] == [judge.HOLDS, judge.FAILS]
    assert judge.worst(pairs)[0]["minus"] == "adam"


def test_what_decides_a_verdict_is_its_worst_estimate():
    criterion = {"experiment": "e02_deep", "metric": "test_accuracy", "at_least": 0.5, "min_n": 2}

    def pair(low, value, high):
        draws = np.array([low, high])
        return criterion, stats.Estimate(value, draws, 2)

    def worst(*pairs):
        return judge.worst([*pairs])[1].value

    fails, wide, near = pair(0.3, 0.45, 0.49), pair(0.0, 0.4, 0.9), pair(0.5, 0.51, 0.52)
    none = pair(np.nan, np.nan, np.nan)
    assert worst(near, wide, fails, none) == 0.45
    assert worst(near, pair(0.8, 0.9, 0.95)) == 0.51
    assert np.isnan(worst(near, wide, none))


def test_the_paper_shows_what_was_asked_in_the_estimate_s_units():
    one = {"experiment": "e02_deep", "metric": "test_accuracy", "at_least": 0.95}
    assert tables_claims._bound(one) == r"$\ge$ 0.950"
    both = one | {"at_least": -0.02, "at_most": 0.02}
    assert tables_claims._bound(both) == r"$\ge$ $-$0.020 $\le$ 0.020"
    share = one | {"level": 0.99, "at_least": 0.9}
    assert tables_claims._bound(share) == r"$\ge$ 90.0\,\% of runs"
    ratio = {"experiment": ["e17_energy"], "metric": "rmse", "at_most": math.log(1.02)}
    assert tables_claims._bound(ratio) == r"$\le$ 2.0\,\%"


def test_settings_that_all_runs_share_are_numbers_of_the_text_and_others_dashes():
    runs = [{"settings": {"depth": 100, "units": 4, "learning_rate": 0.1}} for _ in range(2)]
    runs[1]["settings"]["units"] = 8
    found = setting_tables.macros(runs, DEEP)
    assert found["ETwoSetDepth"] == r"\num{100}"
    assert found["ETwoSetUnits"] == "--"
    none = setting_tables.macros([], DEEP)
    assert set(none) == set(found) and set(none.values()) == {"--"}
