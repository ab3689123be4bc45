"""Makes the missing results of a chunk, in one kernel."""

import os
import subprocess
from pathlib import Path

from experiments.driver import kernel, locks, state
from experiments.driver.chunks import Chunk
from experiments.driver.errors import DriverError
from experiments.driver.profiles import Experiment, Run, short


def missing(results: Path, experiment: Experiment, runs: list[Run]) -> list[Run]:
    """Those of an experiment's runs of which there is no current result."""
    return [one for one in runs if not state.is_current(results, experiment, one)]


def complete(root: Path, profile: str, chunk: Chunk) -> None:
    """Makes what is missing of a chunk, unless another process is about to.

    Raises:
        DriverError: the script failed, or did not save what it was given.
    """
    experiment, here = chunk.experiment, root / "build" / profile
    results = here / "results"
    if not missing(results, experiment, chunk.runs):
        return
    with locks.chunk(root, profile, chunk.name, experiment.alone):
        runs = missing(results, experiment, chunk.runs)
        if not runs:
            return
        folder = results / experiment.name
        state.remove_leftovers(folder, chunk.variants)
        total = len(experiment.runs)
        print(
            f"{chunk.name}: {len(runs)} of {total} results to make with {chunk.backend}",
            flush=True,
        )
        provenance = {**_commit(root), "profile": profile}
        parameters = {
            "results": os.path.relpath(folder, root),
            "provenance": provenance,
            "runs": _entries(chunk, runs, provenance),
        }
        try:
            kernel.execute(root, here / "logs", chunk, parameters)
        finally:
            state.remove_leftovers(folder, chunk.variants)
        left = missing(results, experiment, runs)
    if left:
        raise DriverError(
            f"{short(experiment.script)} must save every run it was given and leave its "
            f"sources alone. It ended without {', '.join(one.path for one in left)}."
        )


def _entries(chunk: Chunk, runs: list[Run], provenance: dict) -> list[dict]:
    """The script's `runs`."""
    place = {run.path: number for number, run in enumerate(chunk.experiment.runs, 1)}
    return [
        {
            "experiment": chunk.experiment.name,
            "variant": one.variant,
            "seed": one.seed,
            "settings": one.settings,
            "number": place[one.path],
            "total": len(place),
            "provenance": {"key": one.key, **provenance},
        }
        for one in runs
    ]


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
