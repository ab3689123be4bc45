"""Results on mini-batches: one row per variant."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, summary

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


if __name__ == "__main__":
    load.main(build)
