"""Results of the shallow net: one row per variant."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, summary

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


if __name__ == "__main__":
    load.main(build)
