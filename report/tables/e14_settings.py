"""Settings of the scaling study's variants."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, scaling, settings


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.of_one(results, scaling.EXPERIMENT))


if __name__ == "__main__":
    load.main(build)
