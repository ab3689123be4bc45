"""Results of the shallow net: one row per variant."""

from pathlib import Path

from report import latex, summary

COLUMNS = {
    "train_accuracy": "train acc.",
    "test_accuracy": "test acc.",
    "train_loss": "deployed loss",
    "relaxed_loss": "relaxed loss",
    "disagreement": r"disagree (\%)",
    "disagreement_near": r"near (\%)",
    "seconds": "time (s)",
}


def build(results: Path, out: Path) -> None:
    latex.write(out, summary.table(results, "e01_shallow", COLUMNS))
