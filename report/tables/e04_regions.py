"""Size of the region of gains and rates that trains the deployed network, by depth and method."""

from pathlib import Path

from report import initialisation, latex, load

COLUMNS = {
    "share": r"share (\%)",
    "gain_octaves": "gains (factor)",
    "rate_decades": "rates (decades)",
    "rule_decades": "at the rule's gain",
    "disagreement": r"between runs (\%)",
    "cells_disagreement": r"between cells (\%)",
    "uniform_accuracy": "PyTorch's start",
    "glorot_accuracy": "Keras' start",
}


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, initialisation.EXPERIMENT)
    found = initialisation.variants(runs)
    lines = []
    for depth in sorted({depth for by_depth in found.values() for depth in by_depth}):
        for method, label in initialisation.METHODS.items():
            variant = found[method].get(depth)
            if variant is None:
                continue
            first = str(depth) if method == "bp" else ""
            cells = [(first, ""), (label, ""), (latex.integer(len(load.of(runs, variant))), "")]
            for name in COLUMNS:
                value, write = (
                    initialisation.estimate(runs, variant, name),
                    initialisation.WRITE[name],
                )
                cells.append((write(value.value), latex.interval(value, write)))
            lines += latex.stacked(cells)
        lines.append(r"\addlinespace[3pt]")
    header = ["depth", "", "$n$", *COLUMNS.values()]
    lines = lines[:-1] or [latex.LEFT_OUT]
    latex.write(out, latex.table("rlr" + "c" * len(COLUMNS), header, lines))
