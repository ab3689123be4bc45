"""Results of the MNIST autoencoder: one row per method."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, summary

COLUMNS = {
    "train_loss": "train loss",
    "test_loss": "test loss",
    "train_error": "train error",
    "test_error": "test error",
    "seconds": "time (s)",
    "milliseconds": "per step (ms)",
}


def build(results: Path, out: Path) -> None:
    latex.write(out, summary.table(results, "e10_mnist", COLUMNS))


if __name__ == "__main__":
    load.main(build)
