"""Makes what the report shows of a profile, as far as it is missing or old: all in one process.

Usage, from the project's root:

    draw.py RESULTS build/X                   all that is older than what it is made of
    draw.py --one figures/NAME RESULTS OUT    a single figure, or tables/NAME

What there is to make is found in report/studies: see lib/studies.py. build/X/shown lists it; it is
rewritten if, and only if, something was made.
"""

import functools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from report.lib import studies, tasks
from report.lib.errors import ReportError
from report.lib.looks import Experiment
from report.lib.sources import ROOT, reached
from report.lib.studies import Shown, Study
from report.lib.tasks import Task


def main(results: Path, folder: Path) -> bool:
    """Makes all that is old; whether everything is there now."""
    work = {s: tasks_of(s, shows, results, folder) for s, shows in studies.shown().items()}
    everything = sum(work.values(), [])
    numbers = all_numbers([task.target for task in everything if task.is_part], folder)
    shown = [numbers.target, *(task.target for task in everything)]
    listed = "".join(f"{path.relative_to(folder)}\n" for path in shown)
    file = folder / "shown"
    same = file.exists() and file.read_text(encoding="utf-8") == listed

    old = {study: [task for task in own if task.is_old()] for study, own in work.items()}
    experiments = [one for study, own in old.items() if own for one in shown_by(study)]
    if not tasks.done_in_forks(sum(old.values(), []), results, experiments):
        return False
    if (not same or numbers.is_old()) and not tasks.done(numbers):
        return False
    if not same or tasks.is_older(file, shown):
        file.write_text(listed, encoding="utf-8")
    return True


def tasks_of(study: Study, shows: list[Shown], results: Path, folder: Path) -> list[Task]:
    """A study's part of the numbers, which takes longest, its figures and its tables."""
    stamps = [folder / "results" / f"{experiment.name}.stamp" for experiment in shown_by(study)]
    for stamp in stamps:
        if not stamp.exists():
            raise ReportError(
                f"{stamp} is missing: has every experiment of report/studies this profile in "
                "a profiles.toml?"
            )
    found = []
    file = study.folder / "numbers.py"
    if file.exists():
        write = functools.partial(write_numbers, file, results)
        target = folder / "numbers" / f"{study.name}.json"
        inputs = (*reached(file), *stamps)
        found.append(Task(target, write, inputs, str(file.relative_to(ROOT)), is_part=True))
    for shown in shows:
        write = functools.partial(show, shown, results)
        found.append(
            Task(folder / shown.target, write, (*reached(shown.file), *stamps), str(shown))
        )
    return found


def shown_by(study: Study) -> list[Experiment]:
    """The experiments whose results a study shows: its own, or all if it has none."""
    return [*study.experiments] or [*studies.experiments().values()]


def all_numbers(parts: list[Path], folder: Path) -> Task:
    """numbers.tex, of the studies' parts and of status.json."""
    file, status = ROOT / "report" / "lib" / "numbers.py", folder / "status.json"
    write = functools.partial(join_numbers, parts, status)
    return Task(folder / "numbers.tex", write, (*reached(file), *parts, status), "numbers.tex")


def show(shown: Shown, results: Path, out: Path) -> None:
    """Calls the function of a figure or table."""
    getattr(studies.module(shown.file), shown.function)(results, out)


def write_numbers(file: Path, results: Path, out: Path) -> None:
    from report.lib import numbers

    numbers.write_part(studies.module(file).macros(results), out)


def join_numbers(parts: list[Path], status: Path, out: Path) -> None:
    from report.lib import numbers

    numbers.join(parts, status, out)


def one(name: str, results: Path, out: Path) -> bool:
    """Makes a single figure or table in a file of the caller's choice."""
    all_shown = sum(studies.shown().values(), [])
    every = {shown.target.rpartition(".")[0]: shown for shown in all_shown}
    if name not in every:
        raise ReportError(f"--one must be one of {', '.join(every)}. Received: {name}")
    return tasks.done(
        Task(out, functools.partial(show, every[name], results), (), str(every[name]))
    )


if __name__ == "__main__":
    given = sys.argv[1:]
    try:
        if len(given) == 4 and given[0] == "--one":
            sys.exit(not one(given[1], *map(Path, given[2:])))
        if len(given) != 2:
            sys.exit("usage: draw.py RESULTS build/X, or draw.py --one figures/NAME RESULTS OUT")
        sys.exit(not main(*map(Path, given)))
    except ReportError as error:
        sys.exit(f"error: {error}")
