"""Settings of the study of batch sizes."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import batches, latex, load, settings


def build(results: Path, out: Path) -> None:
    name, first = batches.EXPERIMENT, ("dataset", "batch_sizes")
    runs = load.runs(results, name)
    if not runs:
        latex.write(out, latex.LEFT_OUT)
        return
    latex.write(out, settings.by_row({name: runs}, {name: "settings"}, first))


if __name__ == "__main__":
    load.main(build)
