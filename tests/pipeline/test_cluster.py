"""A real Dask scheduler and real workers on loopback: the same results, and none lost or twice."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
from pipeline_project import TOY, Project, kernels, until

DASK = [sys.executable, "-m"]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Cluster:
    """A scheduler and workers, each in a checkout of its own."""

    def __init__(self, port):
        self.port, self.address = port, f"tcp://127.0.0.1:{port}"
        self.processes: list[subprocess.Popen] = []

    def _start(self, folder, *words):
        log = open(folder / "dask.log", "a", encoding="utf-8")
        with log:
            process = subprocess.Popen(
                [*DASK, *words],
                cwd=folder,
                env=Project.environment() | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "9"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_scheduler(self, folder):
        words = ("--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        return self._start(folder, "distributed.cli.dask_scheduler", *words)

    def start_worker(self, folder):
        words = (self.address, "--nthreads", "1", "--no-dashboard", "--local-directory", "scratch")
        return self._start(folder, "distributed.cli.dask_worker", *words)

    def stop(self):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster():
    found = Cluster(free_port())
    yield found
    found.stop()


@pytest.fixture
def driver_side(tmp_path):
    return project_at(tmp_path / "driver")


def project_at(folder):
    """Four chunks of one run each, two variants of two seeds in each of two experiments."""
    folder.mkdir()
    project = Project(folder)
    project.edit("experiments/driver/chunks.py", "FULL = 20", "FULL = 1")
    project.edit("experiments/e01_toy/profiles.toml", "size = 3", "size = 3\n[e01_toy.variants.c]")
    return project


def start(project, cluster):
    return subprocess.Popen(
        project.command("run", "--engine", "dask", "--scheduler", cluster.address),
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def sizes(project):
    return {name: one["metrics"]["size"] for name, one in project.results().items()}


WANTED = {"a/seed-0": 4, "a/seed-1": 4, "b/seed-0": 6, "b/seed-1": 6, "c/seed-0": 4, "c/seed-1": 4}


def test_workers_on_other_disks_make_all_and_a_second_call_does_nothing(
    driver_side, cluster, tmp_path
):
    cluster.start_scheduler(driver_side.root)
    workers = [project_at(tmp_path / f"worker_{number}") for number in (1, 2)]
    for worker in workers:
        worker.edit(TOY, '"wait": 0.0', '"wait": 0.5')
        cluster.start_worker(worker.root)
    driver_side.edit(TOY, '"wait": 0.0', '"wait": 0.5')
    said, errors = (driver := start(driver_side, cluster)).communicate(timeout=120)
    assert driver.returncode == 0, errors
    assert sizes(driver_side) == WANTED
    assert re.search(r"e01_toy(-\d)? is done by \S+, process \d+: 3 of 3 chunks$", said, re.M)
    assert "dashboard of the cluster: http" in said
    made = [len(worker.results()) for worker in workers]
    assert sum(made) == 6 and min(made) >= 2  # both had some, none was made twice
    done = driver_side.run("run", "--engine", "dask", "--scheduler", cluster.address)
    assert (done.returncode, done.stdout) == (0, "")


def test_killed_worker_and_restarted_scheduler_lose_nothing(driver_side, cluster, tmp_path):
    """On one disk, as on one machine: what was saved before a kill is not made again."""
    driver_side.edit(TOY, '"wait": 0.0', '"wait": 1.0')
    scheduler = cluster.start_scheduler(driver_side.root)
    first = cluster.start_worker(driver_side.root)
    driver = start(driver_side, cluster)
    assert until(lambda: driver_side.results(), seconds=60)
    kept = driver_side.times()
    os.killpg(first.pid, signal.SIGKILL)  # nanny and worker: nobody starts it again
    os.killpg(scheduler.pid, signal.SIGKILL)
    scheduler.wait()
    cluster.start_scheduler(driver_side.root)
    cluster.start_worker(driver_side.root)
    said, errors = driver.communicate(timeout=180)
    assert driver.returncode == 0, errors + said
    assert sizes(driver_side) == WANTED
    after = driver_side.times()
    assert {name: after[name] for name in kept} == kept
    assert f"waiting for the scheduler at {cluster.address}" in said
    assert "Traceback" not in errors


@pytest.mark.parametrize("engine", ["local", "dask"])
def test_kills_at_random_moments_lose_nothing_and_make_nothing_twice(driver_side, cluster, engine):
    """KILLS=100 for a long look. Whatever is killed, a result that was saved stays as it is."""
    rng, address = random.Random(0), cluster.address
    driver_side.edit(TOY, '"wait": 0.0', '"wait": 0.2')
    words = ("--jobs", "2") if engine == "local" else ("--engine", "dask", "--scheduler", address)
    workers: list[subprocess.Popen] = []
    if engine == "dask":
        cluster.start_scheduler(driver_side.root)
        workers = [cluster.start_worker(driver_side.root) for _ in range(2)]
    kept, made = {}, 0
    for _ in range(int(os.environ.get("KILLS", "4"))):
        driver = subprocess.Popen(
            driver_side.command("run", *words),
            cwd=driver_side.root,
            env=driver_side.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0.2, 6.0))
        victim = rng.choice([driver, *workers])
        if victim is not driver:
            os.killpg(victim.pid, signal.SIGKILL)
            workers[workers.index(victim)] = cluster.start_worker(driver_side.root)
        driver.kill()
        driver.wait()
        now = driver_side.times()  # reads every result: a broken one would raise
        assert len(driver_side.results()) == len(now)
        assert {name: now[name] for name in kept} == kept
        kept = now
        if len(kept) == len(WANTED):
            made, kept = made + len(kept), {}
            assert until(lambda: not kernels(driver_side))
            shutil.rmtree(driver_side.root / "build/quick/results")
    done = driver_side.run("run", *words)
    assert done.returncode == 0, done.stderr
    assert sizes(driver_side) == WANTED
    assert {name: driver_side.times()[name] for name in kept} == kept
    print(f"{engine}: {made + len(WANTED)} results")


def test_a_worker_with_other_sources_is_refused(driver_side, cluster, tmp_path):
    cluster.start_scheduler(driver_side.root)
    worker = project_at(tmp_path / "worker")
    worker.edit("raikeras/model.py", "2 * x", "3 * x")
    cluster.start_worker(worker.root)
    driver = start(driver_side, cluster)
    said, errors = driver.communicate(timeout=120)
    assert driver.returncode == 1
    assert "A worker must have the sources, profiles and locked versions of the driver" in errors
    assert worker.results() == driver_side.results() == {}


def test_a_chunk_that_fails_says_why_and_the_others_results_stay(driver_side, cluster):
    driver_side.edit("experiments/e01_toy/profiles.toml", "size = 3", "fail_at = 1")
    cluster.start_scheduler(driver_side.root)
    cluster.start_worker(driver_side.root)
    driver = start(driver_side, cluster)
    said, errors = driver.communicate(timeout=120)
    assert driver.returncode == 1
    assert "ValueError: this seed fails on purpose" in errors
    assert "a/seed-1" in driver_side.results()


@pytest.mark.parametrize(
    "words", [("--engine", "dask"), ("--scheduler", "tcp://127.0.0.1:1"), ("--jobs", "1")]
)
def test_engine_and_scheduler_belong_together(driver_side, words):
    done = driver_side.run("run", *words)
    if "--jobs" in words:
        assert done.returncode == 0
        return
    assert done.returncode == 1
    assert "ENGINE=dask and SCHEDULER=tcp://HOST:PORT belong together" in done.stderr
