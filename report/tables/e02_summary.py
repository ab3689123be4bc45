"""Results of the deep net: one row per variant."""

from pathlib import Path

from report import latex, summary

COLUMNS = {
    "train_accuracy": "train acc.",
    "test_accuracy": "test acc.",
    "train_loss": "deployed loss",
    "task_loss": "relaxed task loss",
    "relaxed_loss": "relaxed loss",
    "seconds": "time (s)",
}


def build(results: Path, out: Path) -> None:
    latex.write(out, summary.table(results, "e02_deep", COLUMNS))
