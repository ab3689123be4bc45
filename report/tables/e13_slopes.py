"""Exponents of the width in the errors, and how far training stays behind least squares."""

from pathlib import Path

from report import approximation, gradients, latex, load
from report.variants import VARIANTS, label


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, approximation.EXPERIMENT)
    variants, lines = VARIANTS[approximation.EXPERIMENT], []
    for target in approximation.TARGETS:
        for dimension in approximation.dimensions(runs):
            name, cells = f"{target}_d{dimension}", []
            for variant in variants:
                own = load.of(runs, variant)
                for norm in approximation.NORMS:
                    slope = gradients.mean(own, f"solved_{name}_{norm}_slope")
                    cells.append(gradients.decimal(slope.value, 2))
                behind = gradients.mean(own, f"{name}_rms_orders")
                cells.append(gradients.decimal(behind.value, 1))
            lines.append(" & ".join([f"{target}, $d={dimension}$", *cells]))
        lines.append(r"\addlinespace[2pt]")
    names = [label(approximation.EXPERIMENT, variant) for variant in variants]
    titles = [rf"\multicolumn{{3}}{{c}}{{{name}}}" for name in names]
    second = " & ".join(["", *["largest & r.m.s. & behind"] * len(titles)]) + r" \\"
    text = latex.table("l" + "rrr" * len(titles), ["", *titles], lines[:-1])
    latex.write(out, text.replace(r"\midrule", second + "\n" + r"\midrule", 1))
