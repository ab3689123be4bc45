"""The engine of a running Dask cluster: its workers make the chunks, results come back as bytes.

A worker is a process that was started in a checkout with the same sources (`make worker`); it need
not see this machine's disk. What runs there is `make`, below, and in it a process of its own.
"""

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

from experiments.driver import chunks as chunking
from experiments.driver import local, profiles, work
from experiments.driver.chunks import Chunk
from experiments.driver.errors import DriverError
from experiments.driver.files import write_if_changed

PATIENCE = 600  # seconds for which a scheduler may be away
BETWEEN_LOOKS = 2.0
TRIES = 5  # of a chunk whose workers die
LAST_LINES = 20  # of what a failed chunk printed
Files = dict[str, str]  # results by variant and seed


def complete_all(root: Path, profile: str, chunks: list[Chunk], scheduler: str) -> None:
    """Makes what is missing of several chunks on a cluster; waits for a scheduler that restarts.

    Raises:
        DriverError: there is no scheduler, a chunk failed, or its workers died `TRIES` times.
    """
    results = root / "build" / profile / "results"
    tally, seen, deaths = local.Tally(len(chunks)), time.monotonic(), dict[str, int]()
    while left := [one for one in chunks if work.missing(results, one.experiment, one.runs)]:
        try:
            for chunk, made, worker in _made(left, profile, scheduler):
                seen = time.monotonic()
                if chunk is None:
                    continue
                if made is None:
                    deaths[chunk.name] = deaths.get(chunk.name, 0) + 1
                    if deaths[chunk.name] >= TRIES:
                        raise DriverError(
                            f"{chunk.name}: the worker that makes it must live. Several died in "
                            f"each of {TRIES} tries: have they enough memory?"
                        )
                    continue
                _keep(results, chunk, made)
                tally.done(chunk.name, f" by {worker}")
        except OSError as error:  # the scheduler cannot be reached, or is gone
            if time.monotonic() - seen > PATIENCE:
                raise DriverError(
                    f"SCHEDULER must be the address of a running Dask scheduler. Received: "
                    f"{scheduler}, which cannot be reached ({error}). Finished results are kept."
                ) from None
            print(f"waiting for the scheduler at {scheduler}", flush=True)
            time.sleep(BETWEEN_LOOKS)


def _made(
    chunks: list[Chunk], profile: str, scheduler: str
) -> Iterator[tuple[Chunk | None, Files | None, str]]:
    """Chunks as they are made, with their results and the worker; no results if workers died.

    No chunk: the scheduler is there, and none is done.

    Raises:
        OSError: the scheduler is gone.
        DriverError: a chunk failed.
    """
    # Here, not above: the other engines need no package.
    try:
        from distributed import Client, KilledWorker, wait
    except ImportError:
        raise DriverError(
            "ENGINE=dask needs the package distributed: pip install 'raikeras[cluster]'"
        ) from None
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("distributed"):  # a lost scheduler is said here, in a line
            logging.getLogger(name).setLevel(logging.CRITICAL)
    with Client(scheduler, timeout=10) as client:
        print(f"dashboard of the cluster: {client.dashboard_link}", flush=True)
        waiting = {client.submit(make, *_task(one, profile), pure=False): one for one in chunks}
        try:
            while waiting:
                try:
                    ready = wait(list(waiting), BETWEEN_LOOKS, "FIRST_COMPLETED").done
                except TimeoutError:
                    ready = ()
                except CancelledError as error:
                    raise OSError("the connection is lost") from error
                if client.status != "running":
                    raise OSError("the connection is lost")
                yield None, None, ""
                for future in ready:
                    chunk = waiting.pop(future)
                    if future.status == "cancelled":
                        raise OSError("it has forgotten what it was given")
                    failed = future.exception()
                    if isinstance(failed, KilledWorker):
                        yield chunk, None, ""
                    elif failed is not None:
                        raise DriverError(f"{chunk.name} failed on the cluster:\n{failed}")
                    else:
                        yield chunk, *future.result()
        finally:
            client.cancel(list(waiting), force=True)


def _task(chunk: Chunk, profile: str) -> tuple[str, str, dict[str, str]]:
    return profile, chunk.name, {run.path: run.key for run in chunk.runs}


def _keep(results: Path, chunk: Chunk, made: Files) -> None:
    """Writes what a worker made and is not here."""
    for run in work.missing(results, chunk.experiment, chunk.runs):
        if run.path in made:
            write_if_changed(results / chunk.experiment.name / run.path, made[run.path])


def make(profile: str, name: str, keys: dict[str, str]) -> tuple[Files, str]:
    """On a worker: makes a chunk in a process of its own, in the checkout that it was started in.

    Args:
        profile: The profile's name.
        name: The chunk's.
        keys: Content keys by run, which the worker's sources must give, too.

    Returns:
        The results, and who made them.
    """
    root = Path(__file__).resolve().parents[2]
    where = f"{os.uname().nodename}, process {os.getpid()}"
    chunk = find(root, profile, name)
    if {run.path: run.key for run in chunk.runs} != keys:
        raise DriverError(
            "A worker must have the sources, profiles and locked versions of the driver. Received: "
            f"others in {root} on {where}. Update that checkout and start its worker again."
        )
    command = local.command(root, profile, name, os.getpid())
    # Its end is this process's, should the worker be killed; Dask cannot stop what has begun.
    done = subprocess.run(
        command, cwd=root, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-LAST_LINES:])
        raise DriverError(f"{said}\non {where}")
    folder = root / "build" / profile / "results" / chunk.experiment.name
    return {path: (folder / path).read_text(encoding="utf-8") for path in keys}, where


def find(root: Path, profile: str, name: str) -> Chunk:
    """A chunk by its name."""
    experiments: Any = profiles.load(root, profile, [])
    for experiment in experiments:
        for chunk in chunking.of(experiment):
            if chunk.name == name:
                return chunk
    raise DriverError(f"There must be a chunk of this name in profile {profile}. Received: {name}.")
