"""Several chunks at a time: the same results, errors and signals as one after another."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from pipeline_project import PROFILES, SCHEMA, SCRIPT, TOY, Project, kernels, until

from experiments.driver import chunks, local
from experiments.driver.profiles import Experiment, Run

OTHER = TOY.replace("e01", "e02")
CHUNKS = "experiments/driver/chunks.py"


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
    assert local.jobs_of("full") == local.jobs_of("confirm") == 1
    assert 1 <= local.jobs_of("quick") <= local.MOST_JOBS


def test_chunks_of_one_experiment_run_side_by_side(project):
    project.edit(CHUNKS, "FULL = 20", "FULL = 2")
    project.edit(TOY, '"wait": 0.0', '"wait": 1.0')
    done = project.run("run", "e01_toy", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "e01_toy: 2 of 4 results to make with jax" in done.stdout
    assert "e01_toy-2: 2 of 4 results to make with jax" in done.stdout
    assert re.search(r"e01_toy(-2)? is done: 1 of 2 chunks; about \S+ s left", done.stdout)
    assert re.search(r"e01_toy(-2)? is done: 2 of 2 chunks$", done.stdout, re.MULTILINE)
    assert "e01_toy 4/4 b seed 1 ..." in done.stdout
    logs = project.root / "build/quick/logs"
    assert all((logs / f"{name}.log").stat().st_size for name in ("e01_toy", "e01_toy-2"))
    results = project.results()
    assert [one["metrics"]["size"] for one in results.values()] == [4, 4, 6, 6]
    ends = [one["provenance"]["wall_seconds"] for one in results.values()]
    first = min(project.times().values()) / 1e9 - max(ends)
    assert max(project.times().values()) / 1e9 - first < 4 * 1.0 + 2  # four waits side by side


def test_parts_are_made_by_drivers_that_work_at_the_same_time(project):
    """As an array of a batch system starts them, on one disk."""
    project.edit(CHUNKS, "FULL = 20", "FULL = 1")
    for script in (TOY, OTHER):
        project.edit(script, '"wait": 0.0', '"wait": 0.5')
    drivers = [
        subprocess.Popen(
            project.command("run", "--jobs", "1", "--part", f"{number}/3"),
            cwd=project.root,
            env=project.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2, 3)
    ]
    said = [driver.communicate(timeout=60)[0] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0, 0]
    assert [text.splitlines()[-1] for text in said] == [
        f"part {number}/3 of profile quick is complete: {count} chunks"
        for number, count in ((1, 2), (2, 1), (3, 1))
    ]
    assert sum(text.count(" started") for text in said) == 8  # none of them twice
    assert len(made(project, "e01_toy")) + len(made(project, "e02_toy")) == 8
    assert project.run().stdout == ""


@pytest.mark.parametrize("wrong", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3"])
def test_a_part_must_be_one_of_so_many(project, wrong):
    done = project.run("run", f"--part={wrong}")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"PART must be i/n, the i-th of n parts, with i from 1 to n. Received: {wrong}" in (
        done.stderr
    )


def test_a_chunk_is_made_once_though_two_processes_want_it(project):
    project.edit(TOY, '"wait": 0.0', '"wait": 0.5')
    words = ["complete", "--chunk", "e01_toy", "--parent", str(os.getpid())]
    both = [
        subprocess.Popen(
            project.command(*words),
            cwd=project.root,
            env=project.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sorted(out.count(" started") for out, _ in said) == [0, 4]
    assert any("waiting for another process that makes e01_toy" in error for _, error in said)


def test_what_has_to_be_alone_waits_for_others_of_another_driver(project):
    project.edit(OTHER, '"wait": 0.0', '"wait": 1.0')
    entry = 'backend = "jax"'
    project.edit("experiments/e01_toy/profiles.toml", entry, f"{entry}\nalone = true")
    command = project.command("run", "e02_toy", "--part", "1/1")
    other = subprocess.Popen(command, cwd=project.root, env=project.environment())
    assert until(lambda: made(project, "e02_toy"))
    done = project.run("run", "e01_toy", "--part", "1/1")
    assert other.wait(timeout=30) == 0
    assert "e01_toy: waiting for others on this machine, for it has to be alone" in done.stderr
    assert overlap(project) < 0


def test_variants_stay_whole_and_names_do_not_depend_on_what_is_missing():
    runs = [
        Run(variant, seed, {}, "", "jax" if variant < "d" else "tensorflow")
        for seed in range(15)
        for variant in "abcd"
    ]
    experiment = Experiment("e01_toy", "", Path(), "jax", 1, False, list("abcd"), runs)
    found = chunks.of(experiment)
    assert {one.name: one.variants for one in found} == {
        "e01_toy": ["a", "b"],
        "e01_toy-2": ["c"],
        "e01_toy-tensorflow": ["d"],
    }
    assert sorted(run.path for one in found for run in one.runs) == sorted(r.path for r in runs)
    assert [run.seed for run in found[0].runs[:4]] == [0, 0, 1, 1]  # seeds outermost
