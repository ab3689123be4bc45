"""Results of the MNIST autoencoder: one row per method."""

from pathlib import Path

from report import latex, summary

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
