"""The identities of the nine matching losses."""

from pathlib import Path

from report.lib import latex, load
from report.studies.e09_matching.functions import ERRORS, FORMULAS, FUNCTIONS
from report.studies.e09_matching.looks import EXPERIMENT


def identities(results: Path, out: Path) -> None:
    """Formulas, ranges and the largest error of each identity."""
    (run,) = load.runs(results, EXPERIMENT)[:1]
    lines = []
    for name, title in FUNCTIONS.items():
        formulas = [f"${formula}$" for formula in FORMULAS[name]]
        values = [run["metrics"][f"{name}_{key}"] for key in ERRORS]
        cells = [latex.NONE if value is None else _error(value) for value in values]
        lines.append(" & ".join([title, *formulas, *cells]))
    header = ["", "$f(a)$", "$F(a)$", "range", *ERRORS.values()]
    latex.write(out, latex.table("llll" + "r" * len(ERRORS), header, lines))


def _error(value: float) -> str:
    """One digit; an exact zero as such."""
    return latex.significant(value, 1) if value else "0"
