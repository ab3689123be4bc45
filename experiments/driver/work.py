"""Makes the missing results of experiments: one after another, or several side by side."""

import os
import subprocess
import sys
import time
from pathlib import Path

from experiments.driver import kernel, state
from experiments.driver.errors import DriverError
from experiments.driver.profiles import Experiment, Run, short

# The seconds of a step are a result of the paper: there nothing runs beside it.
ONE_AT_A_TIME = ("full", "confirm")
MOST_JOBS = 4  # of a GB or two each


def jobs_of(profile: str) -> int:
    """How many experiments of a profile run side by side, if nothing else is asked for."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return 1 if profile in ONE_AT_A_TIME else min(MOST_JOBS, cores)


def missing(results: Path, experiment: Experiment) -> list[Run]:
    """The runs of which there is no current result."""
    return [one for one in experiment.runs if not state.is_current(results, experiment, one)]


def complete_all(root: Path, profile: str, experiments: list[Experiment], jobs: int) -> None:
    """Makes what is missing of several experiments; those that are to be alone come last.

    Raises:
        DriverError: An experiment did not finish. Those that ran beside it have ended.
    """
    results = root / "build" / profile / "results"
    waiting = sorted((e for e in experiments if missing(results, e)), key=lambda one: one.alone)
    together = [one.name for one in waiting if not one.alone] if jobs > 1 else []
    if len(together) > 1:
        _side_by_side(root, profile, together, jobs)
    for experiment in waiting:
        complete(root, profile, experiment)


def _side_by_side(root: Path, profile: str, names: list[str], jobs: int) -> None:
    """Each in a process of its own, which writes to this one's output."""
    command = [sys.executable, "-m", "experiments.run", "complete", "--profile", profile]
    command += ["--parent", str(os.getpid())]
    folder = Path(__file__).parents[2]
    waiting, failed = list(names), list[str]()
    running: dict[str, subprocess.Popen] = {}
    try:
        while running or (waiting and not failed):
            while waiting and not failed and len(running) < jobs:
                name = waiting.pop(0)
                words = [*command, "--root", str(root), name]
                # A group of its own: Ctrl-C reaches this process alone, which then ends them.
                running[name] = subprocess.Popen(words, cwd=folder, process_group=0)
            time.sleep(0.1)
            for name in [name for name, process in running.items() if process.poll() is not None]:
                failed += [name] if running.pop(name).returncode else []
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()
    if failed:
        raise DriverError(f"{', '.join(failed)} did not finish, for the reason above.")


def complete(root: Path, profile: str, experiment: Experiment) -> None:
    """Makes what is missing of an experiment, in a kernel for each backend."""
    build = root / "build"
    here = build / profile
    runs = missing(here / "results", experiment)
    if not runs:
        return
    total = len(experiment.runs)
    backends = list(dict.fromkeys(one.backend for one in runs))
    print(
        f"{experiment.name}: {len(runs)} of {total} results to make with {', '.join(backends)}",
        flush=True,
    )
    provenance = {**_commit(root), "profile": profile}
    entries: dict[str, list[dict]] = {backend: [] for backend in backends}
    runs.sort(key=lambda one: backends.index(one.backend))
    for number, one in enumerate(runs, total - len(runs) + 1):
        entry = {
            "experiment": experiment.name,
            "variant": one.variant,
            "seed": one.seed,
            "settings": one.settings,
            "number": number,
            "total": total,
            "provenance": {"key": one.key, **provenance},
        }
        entries[one.backend].append(entry)
    results = os.path.relpath(here / "results" / experiment.name, root)
    try:
        for backend, own in entries.items():
            parameters = {"results": results, "provenance": provenance, "runs": own}
            kernel.execute(root, build, here / "logs", experiment, backend, parameters)
    finally:
        state.remove_leftovers(here / "results" / experiment.name)
    left = missing(here / "results", experiment)
    if left:
        raise DriverError(
            f"{short(experiment.script)} must save every run it was given and leave its "
            f"sources alone. It ended without {', '.join(one.path for one in left)}."
        )


def _commit(root: Path) -> dict[str, str | bool | None]:
    """The checkout's commit and whether what decides results differs from it; None outside git."""

    def git(*words: str) -> str | None:
        command = ["git", "-C", str(root), *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    changes = git("status", "--porcelain", "--", "raikeras", "experiments", "requirements")
    commit = git("rev-parse", "HEAD")
    return {"commit": commit, "dirty": None if commit is None else bool(changes)}
