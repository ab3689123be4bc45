"""Differences to backprop without a regulariser, and the strengths that held-out rows chose."""

from pathlib import Path

from report.lib import latex, load, tabular
from report.studies.e06_regularisation import gaps
from report.studies.e06_regularisation.looks import EXPERIMENT, title

HEADING = "strengths tried (rate where none), and the share that chose each"
OWN = ("method", "regulariser", "image_examples")


def gap(results: Path, out: Path) -> None:
    """Paired differences with their intervals, by data set."""
    runs = load.runs(results, EXPERIMENT)
    columns, lines = gaps.columns(runs), []
    for variant in gaps.variants(runs):
        cells = [(title(variant), "")]
        for name in columns:
            estimate = tabular.difference(runs, variant, name, gaps.BASE)
            cells.append((tabular.signed(estimate.value), latex.interval(estimate, tabular.signed)))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = ["", *columns.values()]
    table = latex.table("l" + "c" * len(columns), header, lines[:-1] or [latex.LEFT_OUT])
    latex.write(out, table)


def settings(results: Path, out: Path) -> None:
    """The strengths of each regulariser and how often held-out rows chose them."""
    runs = load.runs(results, EXPERIMENT)
    titles = {name: title(name) for name in (gaps.BASE, *gaps.variants(runs))}
    latex.write(out, tabular.trials_table(runs, titles, HEADING, OWN, 0.75))
