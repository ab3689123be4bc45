"""Starting values on the digits: do hidden units part, and what comes of it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, mlp

COLUMNS = {"rate": "rate", "spread": "spread", "train_loss": "train loss"}
COLUMNS |= {"test_accuracy": "test accuracy"}
BOUNDED = ("test_accuracy",)


def build(results: Path, out: Path) -> None:
    latex.write(out, mlp.table(results, mlp.STARTS, {"starts": ""}, COLUMNS, BOUNDED))


if __name__ == "__main__":
    load.main(build)
