"""The Makefile: a second make does nothing, a change remakes only what depends on it."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from pipeline_project import PROFILES, ROOT, SCHEMA, SCRIPT, Project

LOOKS = """
from report.lib.looks import Experiment, Variant

LOOK = Variant("a", 0, "solid", "o", False)
EXPERIMENT = Experiment("e01_toy", {"a": LOOK, "b": LOOK})
"""
DRAW = "def one(results, out):\n    out.write_text('drawn')\n"
MACROS = "def macros(results):\n    return {'One': '1'}\n"
TYPESET = (
    "import sys\nfrom pathlib import Path\nprint('typeset')\n"
    "for name in ('supplement', 'report'):\n"
    "    Path(sys.argv[1], name + '.pdf').write_text('pdf')\n"
)


@pytest.fixture
def project(tmp_path):
    """Two studies, a figure of each and one of both; what draws and TeX are stand-ins."""
    project = Project(tmp_path)
    project.write("experiments/e02_toy/experiment.py", SCRIPT.replace("e01_toy", "e02_toy"))
    project.write("experiments/e02_toy/schema.py", SCHEMA)
    project.write("experiments/e02_toy/profiles.toml", PROFILES.replace("e01", "e02"))
    for name in ("e01_toy", "e02_toy"):
        project.write(f"report/studies/{name}/looks.py", LOOKS.replace("e01_toy", name))
        project.write(f"report/studies/{name}/figures.py", DRAW)
    project.write("report/studies/e02_toy/tables_two.py", DRAW.replace("one", "two"))
    project.write("report/studies/e02_toy/numbers.py", MACROS.replace("One", "Two"))
    project.write("report/studies/overview/figures.py", DRAW.replace("one", "both"))
    project.write("report/studies/overview/numbers.py", MACROS)
    project.write("report/typeset.py", TYPESET)
    project.write("report/paper.tex", "")
    for name in ("Makefile", "report/draw.py", "report/lib"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
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
    of_all = ("figures/both.pdf", "numbers/overview.json", "numbers.tex")
    of_two = ("figures/e02_one.pdf", "tables/e02_two.tex", "numbers/e02_toy.json")
    assert remade(done) == drawn(*of_all, *of_two, "figures/e01_one.pdf")
    assert "e01_toy 4/4 b seed 1 ..." in done.stdout
    assert "e02_toy 4/4 b seed 1 ..." in done.stdout
    assert f"The paper is {project.root}/build/quick/report.pdf" in done.stdout
    assert "PROFILE=full" in done.stdout

    assert remade(make(project, "reproduce")) == []

    project.edit("experiments/e02_toy/experiment.py", "import time", "import time  # a remark")
    assert remade(make(project, "reproduce")) == []

    project.edit("experiments/e02_toy/experiment.py", "double(", "1 + double(")
    done = make(project, "reproduce")
    assert remade(done) == drawn(*of_all, *of_two)
    assert "e01_toy" not in done.stdout

    study = "report/studies/e01_toy"
    os.utime(project.root / study / "figures.py")
    assert remade(make(project, "reproduce")) == drawn("figures/e01_one.pdf")

    project.write(f"{study}/ones.py", "import json\nDATA = 'ones.json'\n")
    project.write(f"{study}/ones.json", "{}")
    reading = "from report.studies.e01_toy.ones import DATA\n" + DRAW
    project.write(f"{study}/figures.py", reading)
    assert remade(make(project, "reproduce")) == drawn("figures/e01_one.pdf")
    for name in ("ones.py", "ones.json"):
        os.utime(project.root / study / name)
        assert remade(make(project, "reproduce")) == drawn("figures/e01_one.pdf")

    new = project.write(f"{study}/figures_new.py", DRAW.replace("one", "new"))
    assert remade(make(project, "reproduce")) == drawn("figures/e01_new.pdf", "numbers.tex")
    new.unlink()
    assert remade(make(project, "reproduce")) == drawn("numbers.tex")

    (project.root / "build/quick/figures/both.pdf").unlink()
    assert remade(make(project, "reproduce")) == drawn("figures/both.pdf")

    (project.root / "build/quick/results/e01_toy/a/seed-0.json").unlink()
    done = make(project, "reproduce")
    assert "e01_toy: 1 of 4 results to make" in done.stdout
    assert "e02_toy" not in done.stdout


def test_failing_script_leaves_no_target_and_make_fails(project):
    file, both = "report/studies/overview/figures.py", DRAW.replace("one", "both")
    project.write(file, both + "raise ValueError('no such metric')\n")
    done = make(project, "figures", "PROFILE=quick")
    assert done.returncode != 0
    assert "no such metric" in done.stderr
    assert not (project.root / "build/quick/figures/both.pdf").exists()
    project.write(file, both)
    assert remade(make(project, "reproduce")) == drawn("figures/both.pdf", "numbers.tex")


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
