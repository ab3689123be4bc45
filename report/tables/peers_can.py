"""What other packages with inferred targets can do, from report/peers.json."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, peers


def build(results: Path, out: Path) -> None:
    found = peers.read()
    header = ["", "version", *map(latex.escape, found["columns"])]
    latex.write(out, latex.table("l" * len(header), header, peers.abilities(found)))


if __name__ == "__main__":
    load.main(build)
