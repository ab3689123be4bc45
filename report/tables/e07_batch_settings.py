"""Settings of the study of batch sizes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import batches, latex, load, settings

FIRST = ("dataset", "batch_sizes")


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.of_one(results, batches.EXPERIMENT, FIRST))


if __name__ == "__main__":
    load.main(build)
