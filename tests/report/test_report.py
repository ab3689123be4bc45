"""The report's figures, tables and numbers on small made-up results."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from report_run import EXPERIMENTS, make_run, write

from report import draw
from report.lib import load, studies
from report.lib.errors import ReportError

REPORT = Path(__file__).resolve().parents[2] / "report"
SHOWN = {shown.target: shown for own in studies.shown().values() for shown in own}
NUMBERS = [study.folder / "numbers.py" for study in studies.found()]
TEXT = [*REPORT.glob("*.tex"), *REPORT.glob("paper/*.tex"), *REPORT.glob("supplement/*.tex")]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One run of each variant, and of one variant a second one that diverged."""
    pairs = [(name, variant) for name, one in EXPERIMENTS.items() for variant in one.variants]
    runs = [make_run(*pair, seed=0) for pair in pairs]
    lost = make_run("e02_deep", "rai_as_document", seed=1, status="diverged")
    return write(tmp_path_factory.mktemp("results"), [*runs, lost])


@pytest.fixture(scope="module")
def few_results(results, tmp_path_factory):
    """What a profile may leave out is not there, but for two variants."""
    part = tmp_path_factory.mktemp("few") / "results"
    left_out = [name for name, experiment in EXPERIMENTS.items() if experiment.partial]
    shutil.copytree(results, part, ignore=shutil.ignore_patterns(*left_out))
    for variant in ("adam", "locoprop_m"):
        folder = Path("e10_autoencoder", variant)
        shutil.copytree(results / folder, part / folder)
    return part


def parts_of_numbers(results, folder):
    """The studies' parts of numbers.tex."""
    parts = [folder / f"{file.parent.name}.json" for file in NUMBERS]
    for file, part in zip(NUMBERS, parts, strict=True):
        draw.write_numbers(file, results, part)
    return parts


@pytest.fixture(scope="module")
def parts(results, tmp_path_factory):
    return parts_of_numbers(results, tmp_path_factory.mktemp("parts"))


def numbers(parts, tmp_path, **status):
    """numbers.tex for a status file with one variant that has `status` beside its defaults."""
    count = {"expected": 10, "present": 10, "stale": 0, "diverged": 0} | status
    profile = count.pop("profile", "full")
    experiments = {"e02_deep": {"title": "deep", "variants": {"rai_growing": count}}}
    file = tmp_path / "status.json"
    file.write_text(json.dumps({"profile": profile, "experiments": experiments}))
    draw.join_numbers(parts, file, tmp_path / "numbers.tex")
    return (tmp_path / "numbers.tex").read_text()


@pytest.mark.parametrize("target", SHOWN)
def test_it_is_made_of_one_seed_and_a_diverged_run(target, results, tmp_path):
    out = tmp_path / Path(target).name
    draw.show(SHOWN[target], results, out)
    assert out.stat().st_size > 100
    assert "nan" not in (out.read_text() if out.suffix == ".tex" else "")


@pytest.mark.parametrize("target", SHOWN)
def test_it_is_made_where_a_profile_leaves_out_experiments(target, few_results, tmp_path):
    out = tmp_path / Path(target).name
    draw.show(SHOWN[target], few_results, out)
    assert out.stat().st_size > 0


def test_the_same_macros_are_there_where_a_profile_leaves_out_experiments(
    parts, few_results, tmp_path
):
    few = numbers(parts_of_numbers(few_results, tmp_path), tmp_path)
    assert few.count("newcommand") > 1000
    known = numbers(parts, tmp_path)
    lost = macros(known) - macros(few)
    assert not {name for name in lost if name in used()}, lost


def macros(text):
    """The names that numbers.tex defines."""
    return set(re.findall(r"\\newcommand\{\\(\w+)\}", text))


def used():
    """Macros of numbers in the text."""
    generated = re.compile(r"\\((?:E(?:One|Two|Three|Four|Five|Six|Seven|Eight|Nine)"
                           r"|Verdict|Claim|Peers)[A-Za-z]+)")  # fmt: skip
    found = {name for path in TEXT for name in generated.findall(path.read_text())}
    return found | {"ReportNotice", "Coverage", "Resamples", "NearRadius"}


def test_every_macro_of_the_text_is_defined(parts, tmp_path):
    defined = macros(numbers(parts, tmp_path))
    assert used() <= defined, used() - defined


def test_two_studies_with_the_same_macro_are_an_error(parts, tmp_path):
    for name, text in {"e17_one": {"ESeventeenN": "1"}, "e17_two": {"ESeventeenN": "2"}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(text))
    with pytest.raises(ReportError, match=r"\\ESeventeenN of e17_one and of e17_two"):
        numbers([*parts, tmp_path / "e17_one.json", tmp_path / "e17_two.json"], tmp_path)
    (tmp_path / "e17_two.json").write_text(json.dumps({"ReportNotice": ""}))
    with pytest.raises(ReportError, match=r"\\ReportNotice of e17_two and of status"):
        numbers([tmp_path / "e17_two.json"], tmp_path)


def test_figure_bytes_repeat_and_png_is_written(results, tmp_path):
    outs = [tmp_path / name for name in ("one.pdf", "two.pdf", "picture.png")]
    for out in outs:
        assert draw.one("figures/readme_landscapes", results, out)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert outs[2].read_bytes().startswith(b"\x89PNG")


def test_missing_variant_is_named_in_one_line(tmp_path):
    write(tmp_path, [make_run("e01_shallow", "bp", 0)])
    out = tmp_path / "out.pdf"
    command = [sys.executable, "report/draw.py", "--one", "figures/e01_curves", tmp_path, out]
    done = subprocess.run(command, cwd=REPORT.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not out.exists()
    where = "report/studies/e01_shallow/figures.py, curves"
    expected = f"{where}: .*bp_source, rai_as_code, rai_as_document.*\n"
    assert re.fullmatch(expected, done.stderr)


def test_diverged_runs_are_counted(results):
    runs = load.runs(results, EXPERIMENTS["e02_deep"])
    assert len(load.of(runs, "rai_as_document")) == 2
    assert len(load.landscapes(runs, "rai_as_document")) == 1
    assert load.metrics(runs)["test_accuracy"].isna().sum() == 1


def test_notice_says_what_is_not_full_missing_or_stale(parts, tmp_path):
    assert r"\newcommand{\ReportNotice}{}" in numbers(parts, tmp_path)
    assert "make reproduce PROFILE=full" in numbers(parts, tmp_path, profile="smoke")
    late = numbers(parts, tmp_path, profile="reference", present=8, stale=3)
    assert "Missing: 2 of 10 runs" in late
    assert r"Older than their sources: 3 of 8 runs of \texttt{e02\_deep/rai\_growing}" in late
    whole = numbers(parts, tmp_path, profile="reference", present=10, stale=10)
    assert r"Older than their sources: all 10 runs of \texttt{e02\_deep}" in whole
    assert "Missing" not in whole
