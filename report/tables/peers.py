"""One step with inferred targets in raikeras and in other packages, from report/peers.json."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, peers

NAMES = ["ms", "ratio", "compile (s)"]


def build(results: Path, out: Path) -> None:
    found = peers.read()
    depths = [f"{depth} layers" for depth in found["rows"]]
    header = latex.grouped(depths, NAMES * len(depths))
    latex.write(out, latex.table("l" + "rcr" * len(depths), header, peers.times(found)))


if __name__ == "__main__":
    load.main(build)
