"""First and second order on a small net: iterations and cost until the gradient is short."""

from pathlib import Path

from report import latex, mlp

COLUMNS = {
    "reached_share": "reached",
    "iterations": "iterations",
    "evaluations": "cost",
    "final_loss": "final loss",
}
BOUNDED = ("iterations", "evaluations")


def build(results: Path, out: Path) -> None:
    latex.write(out, mlp.table(results, mlp.METHODS, {"second_order": ""}, COLUMNS, BOUNDED))
