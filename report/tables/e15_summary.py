"""Results of the net of a thousand layers: one row per variant."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, summary

COLUMNS = {
    "train_accuracy": "train acc.",
    "test_accuracy": "test acc.",
    "train_loss": "deployed loss",
    "task_loss": "relaxed task loss",
    "seconds": "time (s)",
}


def build(results: Path, out: Path) -> None:
    latex.write(out, summary.table(results, "e15_thousand", COLUMNS))


if __name__ == "__main__":
    load.main(build)
