"""Results on mini-batches: one row per variant."""

from pathlib import Path

from report import latex, summary

COLUMNS = {
    "train_accuracy": "train acc.",
    "test_accuracy": "test acc.",
    "train_loss": "deployed loss",
    "deployment_gap": "gap",
    "seconds": "time (s)",
    "milliseconds": "per step (ms)",
    "store_megabytes": "store (MB)",
}


def build(results: Path, out: Path) -> None:
    latex.write(out, summary.table(results, "e07_minibatch", COLUMNS))
