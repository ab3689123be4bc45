"""The studies: what lies in report/studies, and the figures and tables that each of them has.

A public function of a study's figures*.py or tables*.py is a figure or table, called with the
folder of results and the file to write.
"""

import ast
import functools
import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from report.lib.errors import ReportError
from report.lib.looks import Experiment
from report.lib.sources import ROOT, parse

FOLDER = ROOT / "report" / "studies"
SUFFIXES = {"figures": ".pdf", "tables": ".tex"}


class Shown(NamedTuple):
    """A figure or table: the function, and the file below build/X that it makes."""

    file: Path
    function: str
    target: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}, {self.function}"


class Study(NamedTuple):
    """A folder of report/studies; one without looks.py spans all experiments."""

    folder: Path
    experiments: tuple[Experiment, ...]

    @property
    def name(self) -> str:
        return self.folder.name


@functools.cache
def found() -> tuple[Study, ...]:
    """All studies in the order of their names."""
    folders = sorted(path for path in FOLDER.iterdir() if any(path.glob("*.py")))
    return tuple(Study(folder, _experiments(folder / "looks.py")) for folder in folders)


def _experiments(looks: Path) -> tuple[Experiment, ...]:
    if not looks.exists():
        return ()
    names = vars(module(looks))
    return tuple(value for value in names.values() if isinstance(value, Experiment))


def module(file: Path) -> ModuleType:
    """A study's file, imported."""
    return importlib.import_module(f"report.studies.{file.parent.name}.{file.stem}")


def experiments() -> dict[str, Experiment]:
    """The experiments of all studies by their names."""
    return {one.name: one for study in found() for one in study.experiments}


def shown() -> dict[Study, list[Shown]]:
    """What each study shows.

    Raises:
        ReportError: two functions would make the same file.
    """
    every = {study: _shown(study) for study in found()}
    known: dict[str, Shown] = {}
    for one in sum(every.values(), []):
        other = known.setdefault(one.target, one)
        if one != other:
            raise ReportError(
                f"What is shown must have a name of its own. Received: {one.target} of {other} and "
                f"of {one}"
            )
    return every


def _shown(study: Study) -> list[Shown]:
    """A study's figures and tables, named by its number and the functions' names."""
    number = re.match(r"e\d\d_", study.name)
    prefix = number[0] if number else ""
    return [
        Shown(file, node.name, f"{kind}/{prefix}{node.name}{suffix}")
        for kind, suffix in SUFFIXES.items()
        for file in sorted(study.folder.glob(f"{kind}*.py"))
        for node in parse(file).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
