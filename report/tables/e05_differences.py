"""Paired differences to backprop by data set and method, the calibration error and the rank."""

from pathlib import Path

from report import generalisation, latex, tabular
from report.variants import label

MARKS = {"holds": r"$^\circ$", "fails": r"$^\bullet$", "open": ""}


def build(results: Path, out: Path) -> None:
    runs = generalisation.everything(results)
    found, lines = generalisation.methods(runs), []
    others = [name for name in found if name != "bp"]
    for name in tabular.present(runs, tabular.TITLES):
        cells = [
            (tabular.TITLES[name], r"\% RMSE" if name in tabular.REGRESSION else "points"),
            ("0", ""),
        ]
        for variant in others:
            estimate = tabular.difference(runs, variant, name)
            mark = MARKS[tabular.within(estimate, name)]
            cells.append(
                (tabular.signed(estimate.value) + mark, latex.interval(estimate, tabular.signed))
            )
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    if lines:
        lines.append(r"\midrule")
        ranks = generalisation.mean_ranks(runs)
        errors = {name: generalisation.calibration(runs, name) for name in found}
        for title, estimates, write in (("mean rank", ranks, _two), ("ECE", errors, latex.fixed)):
            chosen = [estimates[name] for name in found if name in estimates]
            cells = [(write(one.value), latex.interval(one, write)) for one in chosen]
            cells += [(latex.NONE, "")] * (len(found) - len(cells))
            lines += [*latex.stacked([(title, ""), *cells]), r"\addlinespace[2pt]"]
    order = ["bp", *others]
    header = ["", *(label(generalisation.TABLES, name) for name in order)]
    latex.write(out, latex.table("l" + "c" * len(order), header, lines[:-1] or [latex.LEFT_OUT]))


def _two(value: float) -> str:
    return latex.fixed(value, 2)
