"""The report's verdicts, figures, tables and numbers on small made-up results."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from alpha_run import alpha_part
from autoencoder_run import autoencoder_part, matching_part
from depth_run import depth_part
from gradients_run import approximation_part, gradients_part
from initialisation_run import batches_part, initialisation_part
from limits_run import limits_part
from mlp_run import mlp_part
from scaling_run import local_steps_part, scaling_part
from tabular_run import tabular_part

from report import claims, load
from report.variants import PARTIAL, VARIANTS

REPORT = Path(__file__).resolve().parents[2] / "report"
FIGURES = sorted((REPORT / "figures").glob("*.py"))
TABLES = sorted((REPORT / "tables").glob("*.py"))
TEXT = [REPORT / "main.tex", *REPORT.glob("sections/*.tex")]
PARTS = {
    "e03": gradients_part,
    "e05": tabular_part,
    "e06": tabular_part,
    "e13": approximation_part,
    "e09": matching_part,
    "e10": autoencoder_part,
    "e11": alpha_part,
    "e12": mlp_part,
    "e14": scaling_part,
    "e15": depth_part,
    "e16": local_steps_part,
    "e08": limits_part,
    "e04": initialisation_part,
    "e07_batches": batches_part,
}


def make_run(experiment, variant, seed, accuracy=0.9, status="ok", grid=None):
    """A result of the contract's form with tiny curves; a diverged one has no metrics."""
    relaxed, lost = VARIANTS[experiment][variant].relaxed, status == "diverged"
    size = 8
    if grid is None:
        grid = np.add.outer(np.arange(size), np.arange(size) + seed) % (size + 1) / size
    names = "train_accuracy test_accuracy train_loss test_loss".split()
    relaxed_names = "relaxed_loss task_loss hidden_loss deployment_gap".split()
    content = {
        "experiment": experiment,
        "variant": variant,
        "seed": seed,
        "status": status,
        "settings": {"iterations": 2, "method": "rai" if relaxed else "bp", "units": [8, 8]},
        "metrics": {name: None if lost else accuracy for name in names}
        | {name: 0.01 * (seed + 1) if relaxed and not lost else None for name in relaxed_names}
        | {"seconds": 1.0, "compile_seconds": 0.5, "iterations": 2}
        | {"epochs": 2, "store_bytes": 1000 * relaxed},
        "curves": {
            "iteration": [0, 1, 2],
            "epoch": [0, 1, 2],
            "seconds": [0.0, 0.5, 1.0],
            **{name: [0.5, 0.6, None if lost else 0.7] for name in names[:2]},
            "deployed_loss": [0.7, 0.6, None if lost else 0.5],
            **{name: [0.7, 0.4, 0.2] if relaxed else [None] * 3 for name in relaxed_names[:2]},
            "during_loss": [None, 0.5, 0.4] if relaxed else [None] * 3,
        },
        "landscape": None
        if lost
        else {
            "low": -3.0,
            "high": 3.0,
            "resolution": len(grid),
            "permille": [round(1000 * value) for value in np.ravel(grid)],
        },
        "provenance": {
            "key": "0a1b2c3d4e",
            "commit": "0123456789",
            "dirty": False,
            "profile": "smoke",
            "python": "3.11",
            "versions": {"keras": "3.12.0", "scikit-learn": "1.7.2"},
            "backend": "jax",
            "device": "cpu",
            "processor": "a_processor & more",
            "dtype": "float32",
            "threads": 2,
            "wall_seconds": 2.0,
            "utc": "2026-11-21T08:00:00Z",
        },
    }
    return content | PARTS.get(experiment, PARTS.get(experiment[:3], lambda seed: {}))(seed)


def write(folder, runs):
    for run in runs:
        file = folder / run["experiment"] / run["variant"] / f"seed-{run['seed']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(run))
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One run of each variant, and of one variant a second one that diverged."""
    pairs = [(experiment, variant) for experiment in VARIANTS for variant in VARIANTS[experiment]]
    runs = [make_run(*pair, seed=0) for pair in pairs]
    lost = make_run("e02_deep", "rai_as_document", seed=1, status="diverged")
    return write(tmp_path_factory.mktemp("results"), [*runs, lost])


def script(path):
    """The names of a script, as draw.py has them."""
    return runpy.run_path(str(path))


def numbers(results, tmp_path, **status):
    """numbers.tex for a status file with one variant that has `status` beside its defaults."""
    count = {"expected": 10, "present": 10, "stale": 0, "diverged": 0} | status
    profile = count.pop("profile", "full")
    experiments = {"e02_deep": {"title": "deep", "variants": {"rai_growing": count}}}
    file = tmp_path / "status.json"
    file.write_text(json.dumps({"profile": profile, "experiments": experiments}))
    script(REPORT / "numbers.py")["build"](results, file, tmp_path / "numbers.tex")
    return (tmp_path / "numbers.tex").read_text()


# Verdicts


def judge(tmp_path, accuracies, **criterion):
    runs = [
        make_run(
            "e02_deep", "bp_default", k, 0.0 if a is None else a, "diverged" if a is None else "ok"
        )
        for k, a in enumerate(accuracies)
    ]
    base = {"experiment": "e02_deep", "metric": "test_accuracy", "variant": "bp_default"}
    claim = {"criteria": [base | {"min_n": 3} | criterion]}
    return claims.judge(claim, write(tmp_path, runs)).verdict


@pytest.mark.parametrize(
    "accuracies, criterion, verdict",
    [
        ([0.96, 0.97, 0.98], {"at_least": 0.95}, claims.HOLDS),
        ([0.90, 0.91, 0.92], {"at_least": 0.95}, claims.FAILS),
        ([0.90, 0.95, 0.99], {"at_least": 0.95}, claims.OPEN),
        ([0.96, 0.97], {"at_least": 0.95}, claims.OPEN),
        ([0.5, 0.5, 0.5], {"at_most": 0.55}, claims.HOLDS),
        ([0.9, 0.9, 0.9], {"at_least": 0.0, "at_most": 0.55}, claims.FAILS),
        ([1.0, 1.0, 0.9], {"at_least": 0.6, "level": 0.99, "on": "value"}, claims.HOLDS),
        ([1.0, 0.9, 0.9], {"at_least": 0.6, "level": 0.99, "on": "value"}, claims.FAILS),
        ([0.96, 0.97, 0.98, None], {"at_least": 0.95, "diverged": 0.5}, claims.OPEN),
        ([], {"at_least": 0.95}, claims.OPEN),
    ],
)
def test_verdict(tmp_path, accuracies, criterion, verdict):
    assert judge(tmp_path, accuracies, **criterion) == verdict


def test_claim_fails_if_any_criterion_fails_and_holds_if_all_do(tmp_path):
    write(tmp_path, [make_run("e02_deep", "bp_default", seed) for seed in range(3)])
    base = {"experiment": "e02_deep", "metric": "test_accuracy", "variant": "bp_default"}
    good, bad = ({**base, "min_n": 3, "at_least": bound} for bound in (0.8, 0.95))
    unknown = {**good, "min_n": 10}
    verdicts = [
        claims.judge({"criteria": criteria}, tmp_path).verdict
        for criteria in ([good, good], [good, bad, unknown], [good, unknown])
    ]
    assert verdicts == [claims.HOLDS, claims.FAILS, claims.OPEN]


def test_every_claim_has_a_bound_and_known_names(results):
    for claim in claims.read()["claims"]:
        for criterion in claim["criteria"]:
            assert {"at_least", "at_most"} & criterion.keys()
            assert criterion["variant"] in VARIANTS[criterion["experiment"]]
        assert claim.get("recorded", claims.OPEN) in (claims.HOLDS, claims.FAILS, claims.OPEN)
        if any(criterion["min_n"] > 1 for criterion in claim["criteria"]):  # not one of arithmetic
            assert claims.judge(claim, results).verdict == claims.OPEN  # one run is not enough


def test_verify_passes_quick_and_says_what_full_lacks(results, tmp_path, capsys):
    verify = script(REPORT / "verify.py")["main"]
    # One run contradicts any verdict, and made-up results have no checksums.
    assert verify([results, results, "quick"]) == 1
    said = capsys.readouterr().out
    assert "not decided" in said
    assert "SHA256SUMS is missing" in said
    assert verify([results, tmp_path, "full"]) == 1
    assert f"no runs in {tmp_path}" in capsys.readouterr().out


def timed(variant, seed, seconds, losses, status="ok"):
    run = make_run("e10_mnist", variant, seed, status=status)
    run["curves"] |= {"seconds": seconds, "train_loss": losses}
    run["metrics"]["train_loss"] = losses[-1]
    return run


def test_at_seconds_compares_when_the_other_run_of_the_seed_has_ended(tmp_path):
    slow = [timed("locoprop_m", k, [0.0, 4.0, 8.0], [500.0, 100.0 + k, 80.0]) for k in range(3)]
    fast = [timed("adam", k, [0.0, 1.0, 2.0 + 4 * k], [500.0, 300.0, 200.0]) for k in range(2)]
    fast.append(timed("adam", 2, [0.0, 1.0, 9.0], [500.0, None, None], status="diverged"))
    base = {"experiment": "e10_mnist", "metric": "train_loss", "variant": "locoprop_m"}
    base |= {"minus": "adam", "at": "seconds", "min_n": 3, "at_most": 0.0, "diverged": 540.0}
    (found,) = claims.judge_criterion(base, write(tmp_path, [*slow, *fast])).estimates
    # Seed 0 at 2 s: 300 against 200; seed 1 at 6 s: 90.5 against 200; seed 2 beyond its end.
    assert found.value == pytest.approx(np.mean([300 - 200, 90.5 - 200, 80 - 540]))
    assert found.n == 3


def test_criterion_against_several_variants_is_one_against_each(tmp_path):
    file = tmp_path / "claims.toml"
    file.write_text(
        '[[claims]]\nid = "X"\ncriteria = [{ experiment = "e10_mnist", metric = "train_loss", '
        'variant = "locoprop_m", minus = ["sgd", "adam"], at_most = 0.0, min_n = 2 }]\n'
    )
    runs = [
        timed(variant, seed, [0.0, 1.0], [500.0, loss + seed])
        for variant, loss in (("locoprop_m", 100.0), ("sgd", 150.0), ("adam", 50.0))
        for seed in range(2)
    ]
    (claim,) = claims.read(file)["claims"]
    outcome = claims.judge(claim, write(tmp_path, runs))
    assert outcome.verdict == claims.FAILS
    (pairs,) = claims.contests(claim, outcome).values()
    assert [claims.verdict(*pair) for pair in pairs] == [claims.HOLDS, claims.FAILS]
    assert claims.worst(pairs)[0]["minus"] == "adam"


# Figures, tables and numbers


def build(path, results, out):
    names = script(path)
    (names.get("draw") or names["build"])(results, out)


@pytest.mark.parametrize("path", [*FIGURES, *TABLES], ids=lambda path: path.stem)
def test_script_runs_on_one_seed_and_a_diverged_run(path, results, tmp_path):
    out = tmp_path / f"out.{'pdf' if path in FIGURES else 'tex'}"
    build(path, results, out)
    assert out.stat().st_size > 100
    assert "nan" not in (out.read_text() if out.suffix == ".tex" else "")


def test_figure_bytes_repeat_and_png_is_written(results, tmp_path):
    outs = [tmp_path / name for name in ("one.pdf", "two.pdf", "picture.png")]
    for out in outs:
        build(REPORT / "figures" / "readme_landscapes.py", results, out)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert outs[2].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("path", [*FIGURES, *TABLES], ids=lambda path: path.stem)
def test_script_runs_where_a_profile_leaves_out_experiments(path, results, tmp_path):
    part = tmp_path / "part"
    shutil.copytree(results, part, ignore=shutil.ignore_patterns(*PARTIAL, "notebook_*"))
    for variant in ("adam", "locoprop_m"):
        shutil.copytree(results / "e10_mnist" / variant, part / "e10_mnist" / variant)
    build(path, part, tmp_path / ("out.pdf" if path in FIGURES else "out.tex"))
    assert set(re.findall(r"newcommand", numbers(part, tmp_path))) == {"newcommand"}


def test_missing_variant_is_named_in_one_line(tmp_path):
    write(tmp_path, [make_run("e01_shallow", "bp", 0)])
    path, out = "report/figures/e01_curves.py", tmp_path / "out.pdf"
    command = [sys.executable, "report/draw.py", "--one", path, tmp_path, out]
    done = subprocess.run(command, cwd=REPORT.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not out.exists()
    assert re.fullmatch(f"{path}: .*bp_source, rai_as_code, rai_as_document.*\n", done.stderr)


def test_diverged_runs_are_counted(results):
    runs = load.runs(results, "e02_deep")
    assert len(load.of(runs, "rai_as_document")) == 2
    assert len(load.landscapes(runs, "rai_as_document")) == 1
    assert load.metrics(runs)["test_accuracy"].isna().sum() == 1


def test_notice_says_what_is_not_full_missing_or_stale(results, tmp_path):
    assert r"\newcommand{\ReportNotice}{}" in numbers(results, tmp_path)
    assert "make reproduce PROFILE=full" in numbers(results, tmp_path, profile="smoke")
    late = numbers(results, tmp_path, profile="reference", present=8, stale=3)
    assert "Missing: 2 of 10 runs" in late
    assert r"Older than their sources: 3 of 8 runs of \texttt{e02\_deep/rai\_growing}" in late
    whole = numbers(results, tmp_path, profile="reference", present=10, stale=10)
    assert r"Older than their sources: all 10 runs of \texttt{e02\_deep}" in whole
    assert "Missing" not in whole


def test_every_macro_of_the_text_is_defined(results, tmp_path):
    defined = set(re.findall(r"\\newcommand\{\\(\w+)\}", numbers(results, tmp_path)))
    generated = re.compile(r"\\((?:EOne|ETwo|ESeven|ENine|Verdict|Claim)[A-Za-z]+)")
    used = {name for path in TEXT for name in generated.findall(path.read_text())}
    used |= {"ReportNotice", "Coverage", "Resamples", "NearRadius"}
    assert used <= defined, used - defined
