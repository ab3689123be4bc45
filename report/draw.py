"""Makes what the report shows of a profile, as far as it is missing or old, in forks of a process.

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
    parts, shown = [], []
    for study, own in studies.shown().items():
        parts += part_of_numbers(study, results, folder)
        shown += [shown_task(study, one, results, folder) for one in own]
    numbers = all_numbers([task.target for task in parts], folder)
    targets = [task.target for task in [numbers, *parts, *shown]]
    listed = "".join(f"{target.relative_to(folder)}\n" for target in targets)
    file = folder / "shown"
    same = file.exists() and file.read_text(encoding="utf-8") == listed

    # Numbers first: they take longest.
    if not tasks.done_in_forks([task for task in [*parts, *shown] if task.is_old()], results):
        return False
    if (not same or numbers.is_old()) and not tasks.done(numbers):
        return False
    if not same or tasks.is_older(file, targets):
        file.write_text(listed, encoding="utf-8")
    return True


def shown_task(study: Study, shown: Shown, results: Path, folder: Path) -> Task:
    """A figure or table."""
    write = functools.partial(show, shown, results)
    inputs = (*reached(shown.file), *stamps(study, folder))
    return Task(folder / shown.target, write, inputs, str(shown), experiments(study))


def part_of_numbers(study: Study, results: Path, folder: Path) -> list[Task]:
    """A study's macros, if it has any."""
    file = study.folder / "numbers.py"
    if not file.exists():
        return []
    target = folder / "numbers" / f"{study.name}.json"
    write = functools.partial(write_numbers, file, results)
    inputs = (*reached(file), *stamps(study, folder))
    return [Task(target, write, inputs, str(file.relative_to(ROOT)), experiments(study))]


def experiments(study: Study) -> tuple[Experiment, ...]:
    """Those whose results a study shows: its own, or all if it has none."""
    return study.experiments or tuple(studies.experiments().values())


def stamps(study: Study, folder: Path) -> list[Path]:
    """What changes with the results that a study shows."""
    found = [folder / "results" / f"{experiment.name}.stamp" for experiment in experiments(study)]
    for stamp in found:
        if not stamp.exists():
            raise ReportError(
                f"{stamp} is missing: has every experiment of report/studies this profile in a "
                "profiles.toml, and were all run (`make results` without EXPERIMENT)?"
            )
    return found


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
