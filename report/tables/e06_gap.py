"""Paired differences to backprop without a regulariser, with intervals; the settings chosen."""

from pathlib import Path

from report import latex, load, regularisation, tabular


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, regularisation.EXPERIMENT)
    columns, lines = regularisation.columns(runs), []
    for variant in regularisation.variants(runs):
        cells = [(regularisation.title(variant), "")]
        for name in columns:
            estimate = tabular.difference(runs, variant, name, regularisation.BASE)
            cells.append((tabular.signed(estimate.value), latex.interval(estimate, tabular.signed)))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = ["", *columns.values()]
    table = latex.table("l" + "c" * len(columns), header, lines[:-1] or [latex.LEFT_OUT])
    latex.write(out, table)
