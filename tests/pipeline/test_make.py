"""The Makefile: a second make does nothing, a change remakes only what depends on it."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from pipeline_project import PROFILES, ROOT, SCHEMA, SCRIPT, Project

DRAW = "def draw(*paths):\n    paths[-1].write_text('drawn')\n"
TYPESET = (
    "import sys\nfrom pathlib import Path\nprint('typeset')\n"
    "Path(sys.argv[1], 'report.pdf').write_text('pdf')\n"
)


@pytest.fixture
def project(tmp_path):
    """Two experiments, a figure of each and one of both; drawing and TeX are stand-ins."""
    project = Project(tmp_path)
    project.write("experiments/e02_toy/experiment.py", SCRIPT.replace("e01_toy", "e02_toy"))
    project.write("experiments/e02_toy/schema.py", SCHEMA)
    project.write("experiments/e02_toy/profiles.toml", PROFILES.replace("e01", "e02"))
    for name in ("figures/e01_one.py", "figures/e02_two.py", "figures/both.py", "tables/e02_t.py"):
        project.write(f"report/{name}", DRAW)
    project.write("report/numbers.py", DRAW)
    project.write("report/typeset.py", TYPESET)
    project.write("report/main.tex", "")
    for name in ("Makefile", "report/draw.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("setup.py", "uv.txt", "all.txt"):
        os.utime(project.write(f"requirements/{name}", ""), (1, 1))
    project.write(".venv/ready", "")
    python = project.write(".venv/bin/python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return project


def make(project, *words):
    return subprocess.run(
        ["make", *words],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def remade(done):
    assert done.returncode == 0, done.stderr
    return sorted(re.findall(r"^build/quick/(\S+)$|^(typeset)$", done.stdout, re.MULTILINE))


def drawn(*names):
    return sorted([("", "typeset"), *((name, "") for name in names)])


def test_second_make_does_nothing_and_a_change_remakes_what_depends_on_it(project):
    done = make(project, "-j2", "reproduce")
    of_all = ("figures/both.pdf", "numbers.tex")
    of_two = ("figures/e02_two.pdf", "tables/e02_t.tex")
    assert remade(done) == drawn(*of_all, *of_two, "figures/e01_one.pdf")
    assert "e01_toy 4/4 b seed 1 ..." in done.stdout
    assert "e02_toy 4/4 b seed 1 ..." in done.stdout
    assert f"The report is {project.root}/build/quick/report.pdf" in done.stdout
    assert "PROFILE=full" in done.stdout

    assert remade(make(project, "reproduce")) == []

    project.edit("experiments/e02_toy/experiment.py", "import time", "import time  # a remark")
    assert remade(make(project, "reproduce")) == []

    project.edit("experiments/e02_toy/experiment.py", "double(", "1 + double(")
    done = make(project, "reproduce")
    assert remade(done) == drawn(*of_all, *of_two)
    assert "e01_toy" not in done.stdout

    os.utime(project.root / "report/figures/e01_one.py")
    assert remade(make(project, "reproduce")) == drawn("figures/e01_one.pdf")

    project.write("report/ones.py", "import json\nDATA = 'ones.json'\n")
    project.write("report/ones.json", "{}")
    project.write("report/figures/e01_one.py", "from report.ones import DATA\n" + DRAW)
    assert remade(make(project, "reproduce")) == drawn("figures/e01_one.pdf")
    for name in ("report/ones.py", "report/ones.json"):
        os.utime(project.root / name)
        assert remade(make(project, "reproduce")) == drawn("figures/e01_one.pdf")

    (project.root / "build/quick/figures/both.pdf").unlink()
    assert remade(make(project, "reproduce")) == drawn("figures/both.pdf")

    (project.root / "build/quick/results/e01_toy/a/seed-0.json").unlink()
    done = make(project, "reproduce")
    assert "e01_toy: 1 of 4 results to make" in done.stdout
    assert "e02_toy" not in done.stdout


def test_failing_script_leaves_no_target_and_make_fails(project):
    project.write("report/figures/both.py", DRAW + "raise ValueError('no such metric')\n")
    done = make(project, "figures", "PROFILE=quick")
    assert done.returncode != 0
    assert "no such metric" in done.stderr
    assert not (project.root / "build/quick/figures/both.pdf").exists()
    project.write("report/figures/both.py", DRAW)
    assert remade(make(project, "reproduce")) == drawn("figures/both.pdf")


def test_unknown_profile_fails_with_the_known_ones(project):
    done = make(project, "results", "PROFILE=huge")
    assert done.returncode != 0
    assert "error: Unknown profile 'huge'" in done.stderr
    done = make(project, "results", "PROFILE=reference")
    assert "PROFILE must be smoke, quick or full. Received: reference" in done.stderr


def test_help_is_the_default_and_names_every_target(project):
    done = make(project)
    targets = ["setup", "reproduce", "results", "figures", "report", "verify", "bench", "test"]
    for target in [*targets, "lint", "clean"]:
        assert re.search(rf"^  {target} +\S", done.stdout, re.MULTILINE)


def test_clean_keeps_the_results_of_the_full_profile(project):
    kept = project.write("build/full/results/e01_toy/a/seed-0.json", "{}")
    for name in ("build/full/report.pdf", "build/quick/report.pdf", "build/.lock"):
        project.write(name, "")
    shutil.copy(ROOT / "requirements/setup.py", project.root / "requirements/setup.py")
    assert "is kept" in make(project, "clean", f"PYTHON={sys.executable}").stdout
    assert [p for p in (project.root / "build").rglob("*") if p.is_file()] == [kept]
    shutil.rmtree(project.root / "build" / "full")
    make(project, "clean", f"PYTHON={sys.executable}")
    assert not (project.root / "build").exists()


def test_one_experiment_can_be_chosen(project):
    done = make(project, "results", "EXPERIMENT=e02_toy")
    assert done.returncode == 0, done.stderr
    assert "e02_toy" in done.stdout
    assert "e01_toy" not in done.stdout


def test_without_tex_one_line_names_the_packages_and_what_is_ready(tmp_path):
    """An empty PATH: no TeX, and no apt-get that could install it."""
    done = subprocess.run(
        [sys.executable, ROOT / "report" / "typeset.py", tmp_path],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "latexmk texlive-latex-extra texlive-science lmodern" in done.stderr
    assert f"figures, tables and numbers.tex are ready in {tmp_path}" in done.stderr
