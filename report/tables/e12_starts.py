"""Starting values on the digits: do hidden units part, and what comes of it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, mlp

COLUMNS = {"rate": "rate", "spread": "spread", "train_loss": "train loss"}
COLUMNS |= {"test_accuracy": "test accuracy"}


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, mlp.EXPERIMENT)
    lines = []
    for start, label in mlp.STARTS.items():
        cells = [(label, "")]
        for name in COLUMNS:
            value, interval = mlp.cell(runs, "starts", f"{start}_{name}")
            exact = name == "spread" and mlp.estimate(runs, "starts", f"{start}_spread").value == 0
            cells.append(("0" if exact else value, interval if name == "test_accuracy" else ""))
        lines += [*latex.stacked(cells), r"\addlinespace[1pt]"]
    header = ["", *COLUMNS.values()]
    latex.write(out, latex.table("l" + "c" * len(COLUMNS), header, lines[:-1]))


if __name__ == "__main__":
    load.main(build)
