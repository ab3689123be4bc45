"""What layers on several devices would take, computed."""

from pathlib import Path

from report.lib import latex
from report.studies.e14_scaling import devices as model


def devices(results: Path, out: Path) -> None:
    """A row for each way to train, for each size."""
    assumed = model.read()
    lines = []
    for size in assumed["sizes"]:
        ways = model.ways(assumed, size)
        for way in ways:
            cells = [
                # In braces: to latex.table a line that starts with a backslash is no row.
                f"{{{latex.integer(size)}}}" if way is ways[0] else "",
                way.label,
                latex.integer(way.devices),
                latex.integer(way.kernels),
                latex.significant(1e3 * way.seconds),
                latex.significant(ways[0].seconds / way.seconds),
                latex.significant(way.exchanged / 1e6) if way.exchanged else latex.NONE,
            ]
            lines.append(" & ".join(cells))
        lines.append(r"\addlinespace[3pt]")
    header = ["units", "", "devices", "kernels in a row", "ms a step", "times faster", "MB sent"]
    latex.write(out, latex.table("rlrrrrr", header, lines[:-1]))
