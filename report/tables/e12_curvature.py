"""First and second order on a small net: iterations and cost until the gradient is short."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, mlp

COLUMNS = {
    "reached_share": "reached",
    "iterations": "iterations",
    "evaluations": "cost",
    "final_loss": "final loss",
}
BOUNDED = ("iterations", "evaluations")


def build(results: Path, out: Path) -> None:
    latex.write(out, mlp.table(results, mlp.METHODS, {"second_order": ""}, COLUMNS, BOUNDED))


if __name__ == "__main__":
    load.main(build)
