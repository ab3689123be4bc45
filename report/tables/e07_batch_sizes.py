"""Accuracy and chosen settings by batch size and method; bytes of the store in the last row."""

from pathlib import Path

from report import batches, latex, load
from report.variants import VARIANTS, label


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, batches.EXPERIMENT)
    variants = VARIANTS[batches.EXPERIMENT]
    lines = []
    for size in batches.sizes(runs):
        cells = [(batches.name(size), "")]
        for variant in variants:
            value = batches.estimate(runs, variant, f"accuracy_{batches.name(size)}")
            cells.append((latex.fixed(value.value), latex.interval(value, latex.fixed)))
            cells.append((_chosen(load.of(runs, variant)[0], size), ""))
        lines += [*latex.stacked(cells), r"\addlinespace[1pt]"]
    stored = [
        rf"\multicolumn{{2}}{{c}}{{{latex.significant(batches.kilobytes(runs, variant))}\,kB}}"
        for variant in variants
    ]
    lines += [r"\midrule", " & ".join(["store", *stored])]
    titles = [
        rf"\multicolumn{{2}}{{c}}{{{label(batches.EXPERIMENT, variant)}}}" for variant in variants
    ]
    second = " & ".join(["batch", *["accuracy & chosen"] * len(titles)]) + r" \\"
    text = latex.table("l" + "cr" * len(titles), ["", *titles], lines)
    latex.write(out, text.replace(r"\midrule", second + "\n" + r"\midrule", 1))


def _chosen(run: dict, size: int) -> str:
    """The rate, and behind it the hidden weight where there was a choice."""
    curves = run["curves"]
    place = curves["batch_size"].index(size)
    rate = latex.significant(curves["learning_rate"][place], 1)
    several = len(run["settings"]["hidden_weights"]) > 1
    return rate + (f", {curves['hidden_weight'][place]:g}" if several else "")
