"""The comparison with other packages, peers.json, as lines of tables."""

import json
from pathlib import Path

from report.lib import latex

FILE = Path(__file__).with_name("peers.json")


def read() -> dict:
    """What `make publish-peers` wrote; no profile changes it."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def times(found: dict) -> list[str]:
    """A row for each contender: milliseconds, ratio and compilation at every depth."""
    by_depth = [*found["rows"].values()]
    lines = []
    for name in by_depth[0]:
        cells = [(latex.escape(name), "")]
        for rows in by_depth:
            ratio, least, most = (latex.fixed(value, 2) for value in rows[name]["ratio"])
            cells.append((latex.significant(rows[name]["ms"], 3), ""))
            cells.append((ratio, rf"[{least},\,{most}]"))
            cells.append((latex.significant(rows[name]["compile"], 2), ""))
        lines += latex.stacked(cells)
    return lines


def abilities(found: dict) -> list[str]:
    """A row for each package: version and what it can do."""
    return [
        " & ".join(map(latex.escape, [package, found["versions"][package], *words]))
        for package, words in found["can"].items()
    ]
