"""Several experiments at a time: the same results, errors and signals as one after another."""

import json
import os
import signal
import subprocess

import pytest
from pipeline_project import PROFILES, SCHEMA, SCRIPT, TOY, Project, kernels, until

from experiments.driver import work

OTHER = TOY.replace("e01", "e02")


@pytest.fixture
def project(tmp_path):
    """Two experiments, each with four runs."""
    project = Project(tmp_path)
    project.write(OTHER, SCRIPT.replace("e01_toy", "e02_toy"))
    project.write("experiments/e02_toy/profiles.toml", PROFILES.replace("e01", "e02"))
    project.write("experiments/e02_toy/schema.py", SCHEMA)
    return project


def made(project, name):
    return sorted((project.root / "build/quick/results" / name).glob("*/seed-*.json"))


def span(project, name):
    """When the first run of an experiment started and the last one ended, in seconds."""
    found = [json.loads(path.read_text()) for path in made(project, name)]
    ends = [path.stat().st_mtime for path in made(project, name)]
    return min(e - r["provenance"]["wall_seconds"] for e, r in zip(ends, found, strict=True)), max(
        ends
    )


def overlap(project):
    (start, end), (other_start, other_end) = (
        span(project, name) for name in ("e01_toy", "e02_toy")
    )
    return min(end, other_end) - max(start, other_start)


def test_two_experiments_run_side_by_side_and_give_the_same(project):
    for script in (TOY, OTHER):
        project.edit(script, '"wait": 0.0', '"wait": 1.0')
    done = project.run("run", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert overlap(project) > 0
    for name in ("e01_toy", "e02_toy"):
        assert f"{name}: 4 of 4 results to make with jax" in done.stdout
        sizes = [json.loads(path.read_text())["metrics"]["size"] for path in made(project, name)]
        assert sizes == [4, 4, 6, 6]
        assert (project.root / f"build/quick/results/{name}.stamp").exists()
    assert project.run("run", "--jobs", "2").stdout == ""


def test_one_whose_results_are_times_runs_alone_and_last(project):
    for script in (TOY, OTHER):
        project.edit(script, '"wait": 0.0', '"wait": 0.3')
    project.edit(
        "experiments/e01_toy/profiles.toml", 'backend = "jax"', 'backend = "jax"\nalone = true'
    )
    assert project.run("run", "--jobs", "2").returncode == 0
    assert overlap(project) < 0
    assert span(project, "e01_toy")[0] > span(project, "e02_toy")[0]


def test_one_that_fails_leaves_the_other_its_results(project):
    project.edit(TOY, '"fail_at": -1', '"fail_at": 1')
    project.edit(OTHER, '"wait": 0.0', '"wait": 1.0')
    done = project.run("run", "--jobs", "2")
    assert done.returncode == 1
    assert "this seed fails on purpose" in done.stderr
    assert done.stderr.splitlines()[-1] == "error: e01_toy did not finish, for the reason above."
    assert len(made(project, "e02_toy")) == 4


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_the_end_of_the_driver_ends_all_kernels(project, how):
    """SIGINT as a terminal sends it, to the whole group."""
    for script in (TOY, OTHER):
        project.edit(script, '"wait": 0.0', '"wait": 30.0')
    driver = subprocess.Popen(
        project.command("run", "--jobs", "2"),
        cwd=project.root,
        env=project.environment(),
        start_new_session=True,
    )
    assert until(lambda: len(kernels(project)) == 2)
    if how == "SIGINT":
        os.killpg(driver.pid, signal.SIGINT)
    else:
        driver.send_signal(getattr(signal, how))
    assert driver.wait(timeout=20) == (-signal.SIGKILL if how == "SIGKILL" else 130)
    assert until(lambda: not kernels(project))


def test_paper_runs_are_made_one_at_a_time():
    assert work.jobs_of("full") == work.jobs_of("confirm") == 1
    assert 1 <= work.jobs_of("quick") <= work.MOST_JOBS
