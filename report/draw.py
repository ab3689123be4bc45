"""Makes what the report shows of a profile, as far as it is missing or old: all in one process.

Usage: draw.py RESULTS build/X, from the project's root. Every script of figures/, tables/ and
numbers.py runs in a fork of a process that has imported what they share, several at a time. The
Makefile calls this where anything that they are made of has changed.
"""

import multiprocessing
import os
import re
import runpy
import sys
import traceback
from pathlib import Path
from typing import NamedTuple

# Not this folder: its numbers.py is not the standard library's.
sys.path[0] = str(Path(__file__).resolve().parents[1])
REPORT = Path("report")
NOT_DRAWN_BY = ("draw.py", "verify.py", "typeset.py")  # of report/*.py


class Task(NamedTuple):
    """A script and what it makes."""

    script: Path
    target: Path
    arguments: tuple[str, ...]  # but for the target, which comes last
    inputs: tuple[Path, ...]


def main(results: Path, folder: Path) -> int:
    """Makes all that is not up to date; returns how many scripts failed."""
    waiting = [task for task in tasks(results, folder) if not is_current(task)]
    if not waiting:
        return 0
    # Once, for all forks.
    import matplotlib.pyplot  # noqa: F401
    import pandas  # noqa: F401
    import scipy.stats  # noqa: F401
    import seaborn  # noqa: F401

    from report import load
    from report.variants import VARIANTS

    for experiment in VARIANTS:
        load.runs(results, experiment, allow_missing=True)

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    failed = 0
    fork = multiprocessing.get_context("fork")
    with fork.Pool(min(cores or 1, len(waiting)), maxtasksperchild=1) as pool:
        for target, error in pool.imap_unordered(made, waiting, chunksize=1):
            print(error or target, file=sys.stderr if error else sys.stdout, flush=True)
            failed += bool(error)
    return failed


def tasks(results: Path, folder: Path) -> list[Task]:
    """What there is to make in a profile's folder.

    A figure or table eNN_name depends on the experiments eNN_* alone, one without eNN_ on all.
    """
    stamps = sorted((folder / "results").glob("*.stamp"))
    shared = [
        path
        for suffix in ("*.py", "*.toml", "*.json")
        for path in REPORT.glob(suffix)
        if path.name not in (*NOT_DRAWN_BY, "numbers.py")
    ]
    found = []
    for kind, suffix in (("figures", ".pdf"), ("tables", ".tex")):
        for script in sorted((REPORT / kind).glob("*.py")):
            own = re.match(r"e\d\d_", script.name)
            of = [stamp for stamp in stamps if own and stamp.name.startswith(own[0])] or stamps
            target = folder / kind / script.with_suffix(suffix).name
            found.append(Task(script, target, (str(results),), (script, *shared, *of)))
    script, status = REPORT / "numbers.py", folder / "status.json"
    inputs = (script, status, *shared, *stamps)
    # First, for it takes longest.
    return [Task(script, folder / "numbers.tex", (str(results), str(status)), inputs), *found]


def is_current(task: Task) -> bool:
    """Whether the target is there and no older than what it is made of."""
    if not task.target.exists():
        return False
    return task.target.stat().st_mtime_ns >= max(one.stat().st_mtime_ns for one in task.inputs)


def made(task: Task) -> tuple[str, str]:
    """Runs a script as `python script arguments target` does; the target and, if any, the error.

    Under a name beside the target, renamed when complete: a kill leaves no half-written target.
    """
    part = task.target.with_name("part-" + task.target.name)
    part.parent.mkdir(parents=True, exist_ok=True)
    sys.argv = [str(task.script), *task.arguments, str(part)]
    error = ""
    try:
        runpy.run_path(str(task.script), run_name="__main__")
        os.replace(part, task.target)
    except SystemExit as end:
        error = "" if end.code in (None, 0) else f"{task.script}: {end.code}"
    except Exception:
        error = f"{task.script}:\n{traceback.format_exc()}"
    return str(task.target), error


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: draw.py RESULTS build/X")
    sys.exit(min(1, main(*map(Path, sys.argv[1:]))))
