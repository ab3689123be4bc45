"""One step with inferred targets in raikeras and in other packages, from report/peers.json."""

from pathlib import Path

from report import latex, peers

NAMES = ["ms", "ratio", "compile (s)"]


def build(results: Path, out: Path) -> None:
    found = peers.read()
    depths = [f"{depth} layers" for depth in found["rows"]]
    header = latex.grouped(depths, NAMES * len(depths))
    latex.write(out, latex.table("l" + "rcr" * len(depths), header, peers.times(found)))
