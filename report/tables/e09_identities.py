"""The nine matching losses: formulas, ranges and the largest error of each identity."""

from pathlib import Path

from report import latex, load, matching


def build(results: Path, out: Path) -> None:
    (run,) = load.runs(results, matching.EXPERIMENT)[:1]
    lines = []
    for name, title in matching.FUNCTIONS.items():
        formulas = [f"${formula}$" for formula in matching.FORMULAS[name]]
        values = [run["metrics"][f"{name}_{key}"] for key in matching.ERRORS]
        cells = [latex.NONE if value is None else _error(value) for value in values]
        lines.append(" & ".join([title, *formulas, *cells]))
    header = ["", "$f(a)$", "$F(a)$", "range", *matching.ERRORS.values()]
    latex.write(out, latex.table("llll" + "r" * len(matching.ERRORS), header, lines))


def _error(value: float) -> str:
    """One digit; an exact zero as such."""
    return latex.significant(value, 1) if value else "0"
