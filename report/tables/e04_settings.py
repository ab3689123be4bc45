"""Settings of the phase diagrams of gain and rate."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import initialisation, latex, load, settings

FIRST = ("iterations", "wanted")


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.of_one(results, initialisation.EXPERIMENT, FIRST))


if __name__ == "__main__":
    load.main(build)
