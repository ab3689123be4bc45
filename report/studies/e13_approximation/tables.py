"""How errors fall with the width."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.studies.e13_approximation.looks import EXPERIMENT, NORMS, TARGETS, dimensions


def slopes(results: Path, out: Path) -> None:
    """Exponents of the width, and how far training stays behind least squares."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for target in TARGETS:
        for dimension in dimensions(runs):
            name, cells = f"{target}_d{dimension}", []
            for variant in EXPERIMENT.variants:
                own = load.of(runs, variant)
                for norm in NORMS:
                    slope = metrics.mean(own, f"solved_{name}_{norm}_slope")
                    cells.append(metrics.decimal(slope.value, 2))
                behind = metrics.mean(own, f"{name}_rms_orders")
                cells.append(metrics.decimal(behind.value, 1))
            lines.append(" & ".join([f"{target}, $d={dimension}$", *cells]))
        lines.append(r"\addlinespace[2pt]")
    titles = [EXPERIMENT.label(variant) for variant in EXPERIMENT.variants]
    names = ["largest", "r.m.s.", "behind"] * len(titles)
    latex.write(out, latex.table("l" + "r" * len(names), latex.grouped(titles, names), lines[:-1]))
