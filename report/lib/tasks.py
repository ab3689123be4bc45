"""Files to make, and making those that are old: used by draw.py.

Nothing here imports at the top what takes seconds: mostly there is nothing to do.
"""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from report.lib.errors import ReportError
from report.lib.looks import Experiment


class Task(NamedTuple):
    """A file, the function that writes it, and what it is made of."""

    target: Path
    write: Callable[[Path], None]
    inputs: tuple[Path, ...]
    source: str  # for errors
    experiments: tuple[Experiment, ...] = ()  # whose results it reads

    def is_old(self) -> bool:
        return is_older(self.target, self.inputs)


def is_older(target: Path, inputs: Iterable[Path]) -> bool:
    """Whether a file is missing or older than what it is made of."""
    if not target.exists():
        return True
    return target.stat().st_mtime_ns < max(one.stat().st_mtime_ns for one in inputs)


def done_in_forks(tasks: list[Task], results: Path) -> bool:
    """Carries out tasks side by side, from the first to the last; whether all succeeded.

    The process that forks has imported what they share and has read the results.
    """
    if not tasks:
        return True
    import matplotlib.pyplot  # noqa: F401
    import pandas  # noqa: F401
    import scipy.stats  # noqa: F401
    import seaborn  # noqa: F401

    from report.lib import load

    for experiment in {one for task in tasks for one in task.experiments}:
        load.runs(results, experiment, allow_missing=True)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    fork = multiprocessing.get_context("fork")
    with fork.Pool(min(cores or 1, len(tasks)), maxtasksperchild=1) as pool:
        return all([said(*end) for end in pool.imap_unordered(carried_out, tasks, chunksize=1)])


def done(task: Task) -> bool:
    """Carries out a task in this process; whether it succeeded."""
    return said(*carried_out(task))


def carried_out(task: Task) -> tuple[Path, str]:
    """The target and, if any, the error.

    A target is written under a name beside it and renamed when complete: a kill leaves none that is
    half written.
    """
    part = task.target.with_name("part-" + task.target.name)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        task.write(part)
        os.replace(part, task.target)
    except ReportError as error:
        return task.target, f"{task.source}: {error}"
    except Exception:
        return task.target, f"{task.source}:\n{traceback.format_exc()}"
    return task.target, ""


def said(target: Path, error: str) -> bool:
    """Prints how a task ended; whether it succeeded."""
    print(error or target, file=sys.stderr if error else sys.stdout, flush=True)
    return not error
