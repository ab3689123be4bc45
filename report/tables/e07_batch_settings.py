"""Settings of the study of batch sizes."""

from pathlib import Path

from report import batches, latex, settings

FIRST = ("dataset", "batch_sizes")


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.of_one(results, batches.EXPERIMENT, FIRST))
