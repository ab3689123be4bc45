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


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, mlp.EXPERIMENT)
    lines = []
    for method, label in mlp.METHODS.items():
        cells = [(label, "")]
        for name in COLUMNS:
            value, interval = mlp.cell(runs, "second_order", f"{method}_{name}")
            cells.append((value, interval if name in ("iterations", "evaluations") else ""))
        lines += [*latex.stacked(cells), r"\addlinespace[1pt]"]
    header = ["", *COLUMNS.values()]
    latex.write(out, latex.table("l" + "c" * len(COLUMNS), header, lines[:-1]))


if __name__ == "__main__":
    load.main(build)
