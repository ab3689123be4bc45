"""The identities of the nine matching losses."""

from pathlib import Path

from report.lib import latex, load
from report.studies.e09_matching.functions import CHECKS, FORMULAS, FUNCTIONS
from report.studies.e09_matching.looks import EXPERIMENT


def identities(results: Path, out: Path) -> None:
    """Formulas, ranges and the largest error of each identity."""
    (run,) = load.runs(results, EXPERIMENT)[:1]
    lines = []
    for name, title in FUNCTIONS.items():
        formulas = [f"${formula}$" for formula in FORMULAS[name]]
        cells = [_largest(run["metrics"], name, keys) for keys in CHECKS.values()]
        lines.append(" & ".join([title, *formulas, *cells]))
    header = ["", "$f(a)$", "$F(a)$", "range of $f$", *CHECKS]
    latex.write(out, latex.table("llll" + "r" * len(CHECKS), header, lines))


def _largest(metrics: dict, name: str, keys: tuple[str, ...]) -> str:
    """The largest of a function's errors, one digit; an exact zero as such."""
    values = [value for key in keys if (value := metrics[f"{name}_{key}"]) is not None]
    if not values:
        return latex.NONE
    return latex.significant(max(values), 1) if max(values) else "0"
