"""Settings of the variants of the net of a thousand layers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, settings


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.table(results, "e15_thousand"))


if __name__ == "__main__":
    load.main(build)
