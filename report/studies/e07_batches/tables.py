"""Accuracy and settings by batch size."""

from pathlib import Path

from report.lib import latex, load, metrics, setting_tables
from report.studies.e07_batches.looks import EXPERIMENT
from report.studies.e07_batches.sizes import kilobytes, name, sizes


def batch_settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.of_one(results, EXPERIMENT, ("dataset", "batch_sizes")))


def batch_sizes(results: Path, out: Path) -> None:
    """Accuracy and chosen settings by size and method; bytes of the store in the last row."""
    runs, variants = load.runs(results, EXPERIMENT), EXPERIMENT.variants
    lines = []
    for size in sizes(runs):
        cells = [(name(size), "")]
        for variant in variants:
            value = metrics.mean(load.of(runs, variant), f"accuracy_{name(size)}")
            cells.append((latex.fixed(value.value), latex.interval(value, latex.fixed)))
            cells.append((_chosen(load.of(runs, variant)[0], size), ""))
        lines += [*latex.stacked(cells), r"\addlinespace[1pt]"]
    stored = [
        rf"\multicolumn{{2}}{{c}}{{{latex.significant(kilobytes(runs, variant))}\,kB}}"
        for variant in variants
    ]
    lines += [r"\midrule", " & ".join(["store", *stored])]
    titles = [rf"\multicolumn{{2}}{{c}}{{{look.label}}}" for look in variants.values()]
    second = " & ".join(["batch", *["accuracy & rate, weight"] * len(titles)]) + r" \\"
    text = latex.table("l" + "cr" * len(titles), ["", *titles], lines)
    latex.write(out, text.replace(r"\midrule", second + "\n" + r"\midrule", 1))


def _chosen(run: dict, size: int) -> str:
    """The rate, and behind it the hidden weight where there was a choice."""
    curves = run["curves"]
    place = curves["batch_size"].index(size)
    rate = latex.significant(curves["learning_rate"][place], 1)
    several = len(run["settings"]["hidden_weights"]) > 1
    return rate + (f", {curves['hidden_weight'][place]:g}" if several else "")
