"""What other packages with inferred targets can do, from report/peers.json."""

from pathlib import Path

from report import latex, peers


def build(results: Path, out: Path) -> None:
    found = peers.read()
    header = ["", "version", *map(latex.escape, found["columns"])]
    latex.write(out, latex.table("l" * len(header), header, peers.abilities(found)))
