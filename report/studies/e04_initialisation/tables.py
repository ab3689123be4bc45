"""Sizes of the regions of gains and rates that train the deployed network, and the settings."""

from pathlib import Path

from report.lib import latex, load, setting_tables
from report.studies.e04_initialisation.looks import DEPTHS, EXPERIMENT, METHODS
from report.studies.e04_initialisation.regions import WRITE, estimate, variants

COLUMNS = {
    "share": r"share (\%)",
    "gain_octaves": "gains (factor)",
    "rate_decades": "rates (decades)",
    "rule_decades": "at rule's gain",
    "disagreement": r"between runs (\%)",
    "cells_disagreement": r"between cells (\%)",
}


def regions(results: Path, out: Path) -> None:
    """By depth and method."""
    runs = load.runs(results, EXPERIMENT)
    found = variants(runs)
    lines = []
    for depth in DEPTHS:
        for method, label in METHODS.items():
            variant = found[method].get(depth)
            if variant is None:
                continue
            first = str(depth) if method == "bp" else ""
            cells = [(first, ""), (label, ""), (latex.integer(len(load.of(runs, variant))), "")]
            for name in COLUMNS:
                value, write = estimate(runs, variant, name), WRITE[name]
                cells.append((write(value.value), latex.interval(value, write)))
            lines += latex.stacked(cells)
        lines += [r"\addlinespace[3pt]"] if any(depth in own for own in found.values()) else []
    header = ["layers", "", "$n$", *COLUMNS.values()]
    lines = lines[:-1] or [latex.LEFT_OUT]
    latex.write(out, latex.table("rlr" + "c" * len(COLUMNS), header, lines))


def settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.of_one(results, EXPERIMENT, ("iterations", "wanted")))
