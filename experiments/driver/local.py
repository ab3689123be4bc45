"""The engine that needs nothing: chunks in processes of their own on this machine."""

import os
import subprocess
import sys
import time
from pathlib import Path

from experiments.driver import work
from experiments.driver.chunks import Chunk
from experiments.driver.errors import DriverError
from experiments.results.progress import duration

# The seconds of a step are a result of the paper: there nothing runs beside it.
ONE_AT_A_TIME = ("full", "confirm")
MOST_JOBS = 4
BYTES_PER_JOB = 3 * 2**30  # of memory, more than most chunks take


def jobs_of(profile: str) -> int:
    """How many chunks of a profile run side by side, if nothing else is asked for."""
    if profile in ONE_AT_A_TIME:
        return 1
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(MOST_JOBS, cores, memory // BYTES_PER_JOB))


def complete_all(root: Path, profile: str, chunks: list[Chunk], jobs: int) -> None:
    """Makes what is missing of several chunks; those that are to be alone come last.

    Raises:
        DriverError: A chunk did not finish. Those that ran beside it have ended.
    """
    together = [one for one in chunks if not one.experiment.alone] if jobs > 1 else []
    if len(together) > 1:
        _side_by_side(root, profile, together, jobs)
    for chunk in sorted(chunks, key=lambda one: one.experiment.alone):
        work.complete(root, profile, chunk)


def command(root: Path, profile: str, chunk: str, parent: int) -> list[str]:
    """How a chunk is made in a process that ends with its parent."""
    words = [sys.executable, "-m", "experiments.run", "complete", "--profile", profile]
    return [*words, "--chunk", chunk, "--parent", str(parent), "--root", str(root)]


def _side_by_side(root: Path, profile: str, chunks: list[Chunk], jobs: int) -> None:
    """Each in a process of its own, which writes to this one's output."""
    folder = Path(__file__).parents[2]
    waiting, failed = [one.name for one in chunks], list[str]()
    running: dict[str, subprocess.Popen] = {}
    tally = Tally(len(chunks), jobs)
    try:
        while running or (waiting and not failed):
            while waiting and not failed and len(running) < jobs:
                name = waiting.pop(0)
                words = command(root, profile, name, os.getpid())
                # A group of its own: Ctrl-C reaches this process alone, which then ends them.
                running[name] = subprocess.Popen(words, cwd=folder, process_group=0)
            time.sleep(0.1)
            for name in [name for name, process in running.items() if process.poll() is not None]:
                if running.pop(name).returncode:
                    failed.append(name)
                else:
                    tally.done(name)
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()
    if failed:
        raise DriverError(f"{', '.join(failed)} did not finish, for the reason above.")


class Tally:
    """How many chunks are done and how long the others take.

    Args:
        total: Number of chunks.
        workers: How many of them are made at a time.
    """

    def __init__(self, total: int, workers: int = 1) -> None:
        self._total, self._workers, self._count = total, workers, 0
        self._started = time.perf_counter()

    def done(self, name: str, where: str = "") -> None:
        """Prints that a chunk is there."""
        self._count += 1
        left = self._total - self._count
        seconds = (time.perf_counter() - self._started) * left / self._count
        rest = f"; about {duration(seconds)} left" if left else ""
        line = f"{name} is done{where}: {self._count} of {self._total} chunks{rest}"
        print(line, flush=True)
