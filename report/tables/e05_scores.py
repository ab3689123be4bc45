"""Interquartile means of the test scores by data set and method."""

from pathlib import Path

from report import generalisation, latex, tabular
from report.variants import label


def build(results: Path, out: Path) -> None:
    runs = generalisation.everything(results)
    found, lines = generalisation.methods(runs), []
    for name in tabular.present(runs, tabular.TITLES):
        score = tabular.metric(name).replace("log_", "")
        cells = [(tabular.TITLES[name], "RMSE" if score.endswith("rmse") else "accuracy")]
        write = latex.fixed if score.endswith("accuracy") else lambda v: latex.significant(v, 3)
        for variant in found:
            values = tabular.by_split(runs, variant, score).values()
            estimate = tabular.interquartile(list(values))
            cells.append((write(estimate.value), latex.interval(estimate, write)))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = ["", *(label(generalisation.TABLES, name) for name in found)]
    table = latex.table("l" + "c" * len(found), header, lines[:-1] or [latex.LEFT_OUT])
    latex.write(out, table)
