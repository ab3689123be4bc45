"""Makes what the report shows of a profile, as far as it is missing or old: all in one process.

Usage, from the project's root:

    draw.py RESULTS build/X                 all that is older than what it is made of
    draw.py --one SCRIPT RESULTS OUT        a single figure or table

A script of figures/ has a function `draw(RESULTS, OUT)`, one of tables/ `build(RESULTS, OUT)`, and
so has numbers.py. They run in forks of a process that has imported what they share, several at a
time. The Makefile calls this where anything that they are made of may have changed.
"""

import ast
import functools
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
FUNCTIONS = ("draw", "build")  # that of a script


class Task(NamedTuple):
    """A script and what it makes."""

    script: Path
    target: Path
    arguments: tuple[Path, ...]  # but for the target, which comes last
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
    found = []
    for kind, suffix in (("figures", ".pdf"), ("tables", ".tex")):
        for script in sorted((REPORT / kind).glob("*.py")):
            own = re.match(r"e\d\d_", script.name)
            of = [stamp for stamp in stamps if own and stamp.name.startswith(own[0])] or stamps
            target = folder / kind / script.with_suffix(suffix).name
            found.append(Task(script, target, (results,), (*sources(script), *of)))
    script, status = REPORT / "numbers.py", folder / "status.json"
    inputs = (status, *sources(script), *stamps)
    # First, for it takes longest.
    return [Task(script, folder / "numbers.tex", (results, status), inputs), *found]


@functools.cache
def sources(script: Path) -> list[Path]:
    """A script, the modules of report/ that it reaches, and the data files that these name."""
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "report":
                waiting += [REPORT / f"{alias.name}.py" for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("report."):
                waiting.append(REPORT / f"{node.module.split('.')[1]}.py")
            elif isinstance(node, ast.Constant) and str(node.value).endswith((".toml", ".json")):
                found |= {file for file in [REPORT / str(node.value)] if file.is_file()}
    return sorted(found)


def is_current(task: Task) -> bool:
    """Whether the target is there and no older than what it is made of."""
    if not task.target.exists():
        return False
    return task.target.stat().st_mtime_ns >= max(one.stat().st_mtime_ns for one in task.inputs)


def made(task: Task) -> tuple[str, str]:
    """Runs a script's function; the target and, if any, the error.

    Under a name beside the target, renamed when complete: a kill leaves no half-written target.
    """
    from report import load

    part = task.target.with_name("part-" + task.target.name)
    part.parent.mkdir(parents=True, exist_ok=True)
    error = ""
    try:
        names = runpy.run_path(str(task.script))
        (function,) = [names[name] for name in FUNCTIONS if name in names]
        function(*task.arguments, part)
        os.replace(part, task.target)
    except load.MissingResults as missing:
        error = f"{task.script}: {missing}"
    except Exception:
        error = f"{task.script}:\n{traceback.format_exc()}"
    return str(task.target), error


if __name__ == "__main__":
    given = sys.argv[1:]
    if len(given) == 4 and given[0] == "--one":
        script, results, out = map(Path, given[1:])
        sys.exit(made(Task(script, out, (results,), ()))[1] or 0)
    if len(given) != 2:
        sys.exit("usage: draw.py RESULTS build/X, or draw.py --one SCRIPT RESULTS OUT")
    sys.exit(min(1, main(*map(Path, given))))
