"""The deep net's settings and results, a row or column for each variant."""

from pathlib import Path

from report.lib import latex, setting_tables, summaries
from report.studies.e02_deep.looks import EXPERIMENT

COLUMNS = {
    "test_accuracy": "test acc.",
    "train_loss": "deployed loss",
    "task_loss": "relaxed task loss",
    "relaxed_loss": "relaxed loss",
    "seconds": "time (s)",
}


def settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.table(results, EXPERIMENT))


def summary(results: Path, out: Path) -> None:
    latex.write(out, summaries.table(results, EXPERIMENT, COLUMNS))
