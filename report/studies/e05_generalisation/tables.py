"""Differences to backprop, scores and settings of the methods."""

from pathlib import Path

from report.lib import latex, load, tabular
from report.studies.e05_generalisation import methods
from report.studies.e05_generalisation.looks import METHODS, TABLES

HEADING = "settings tried, and the share of splits and data sets that chose each"
MARKS = {"holds": r"$^\circ$", "fails": r"$^\bullet$", "open": ""}


def differences(results: Path, out: Path) -> None:
    """Paired, by data set, with the mean rank and calibration error of each method below them."""
    runs = methods.everything(results)
    found, lines = methods.present(runs), []
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
        ranks = methods.mean_ranks(runs)
        errors = {name: methods.calibration(runs, name) for name in found}
        for title, estimates, write in (("mean rank", ranks, _two), ("ECE", errors, latex.fixed)):
            chosen = [estimates[name] for name in found if name in estimates]
            cells = [(write(one.value), latex.interval(one, write)) for one in chosen]
            cells += [(latex.NONE, "")] * (len(found) - len(cells))
            lines += [*latex.stacked([(title, ""), *cells]), r"\addlinespace[2pt]"]
    order = ["bp", *others]
    header = ["", *(METHODS[name].label for name in order)]
    latex.write(out, latex.table("l" + "c" * len(order), header, lines[:-1] or [latex.LEFT_OUT]))


def _two(value: float) -> str:
    return latex.fixed(value, 2)


def scores(results: Path, out: Path) -> None:
    """Interquartile means of the test scores, by data set."""
    runs = methods.everything(results)
    found, lines = methods.present(runs), []
    for name in tabular.present(runs, tabular.TITLES):
        score = tabular.metric(name).replace("log_", "")
        cells = [(tabular.TITLES[name], "RMSE" if score.endswith("rmse") else "accuracy")]
        write = latex.fixed if score.endswith("accuracy") else lambda v: latex.significant(v, 3)
        for variant in found:
            values = tabular.by_split(runs, variant, score).values()
            estimate = tabular.interquartile(list(values))
            cells.append((write(estimate.value), latex.interval(estimate, write)))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = ["", *(METHODS[name].label for name in found)]
    table = latex.table("l" + "c" * len(found), header, lines[:-1] or [latex.LEFT_OUT])
    latex.write(out, table)


def settings(results: Path, out: Path) -> None:
    """How each method is trained and which settings held-out rows chose."""
    runs = load.runs(results, TABLES)
    titles = {name: METHODS[name].label for name in methods.present(runs)}
    latex.write(out, tabular.trials_table(runs, titles, HEADING, ("method", "sets"), 0.8))
