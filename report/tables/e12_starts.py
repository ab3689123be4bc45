"""Starting values on the digits: do hidden units part, and what comes of it."""

from pathlib import Path

from report import latex, mlp

COLUMNS = {"rate": "rate", "spread": "spread", "train_loss": "train loss"}
COLUMNS |= {"test_accuracy": "test accuracy"}
BOUNDED = ("test_accuracy",)


def build(results: Path, out: Path) -> None:
    latex.write(out, mlp.table(results, mlp.STARTS, {"starts": ""}, COLUMNS, BOUNDED))
