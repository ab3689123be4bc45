"""Deployed test accuracy by which layers are relaxed, for both nets side by side."""

from pathlib import Path

from report import latex, limits, load
from report.variants import CHOICES

COLUMNS = ("test_accuracy", "success", "gain")


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, limits.EXPERIMENT)
    lines = []
    for choice, label in CHOICES.items():
        names = [f"{net}_{choice}" for net in limits.NETS]
        if not any(load.of(runs, name) for name in names):
            continue
        counts = [len(load.of(runs, name)) for name in names]
        cells = [(label, ""), ("/".join(map(str, counts)), "")]
        for name in names:
            found = limits.estimates(runs, name)
            for metric in COLUMNS:
                write = limits.WRITE[metric]
                cells.append((write(found[metric].value), latex.interval(found[metric], write)))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = ["relaxed", "$n$"] + 2 * ["test acc.", "success", "growth"]
    latex.write(
        out,
        latex.table("lr" + "c" * 2 * len(COLUMNS), header, lines[:-1] or [latex.LEFT_OUT]),
    )
