"""Differences to backprop by data set with their cost, and the settings that were chosen."""

from pathlib import Path

import numpy as np

from report.lib import choices, latex
from report.studies.e17_tables import compared
from report.studies.e17_tables.looks import CLASSES, JUDGED, METHODS, TITLES

SIDE_BY_SIDE = 4  # data sets of a table with intervals
HEADING = "settings tried, and the share of splits and data sets whose best point has each"


def differences(results: Path, out: Path) -> None:
    """At the best validated point, by data set, with all intervals: two tables in a column."""
    runs = compared.everything(results)
    names = compared.present(runs, TITLES)
    parts = [names[:SIDE_BY_SIDE], names[SIDE_BY_SIDE:]]
    tables = [_with_intervals(runs, part) for part in parts if part]
    latex.write(out, "\n\n\\bigskip\n".join(tables) or latex.table("l", [""], [latex.LEFT_OUT]))


def _with_intervals(runs, names):
    lines = []
    for method in compared.methods(runs):
        cells = [(METHODS[method].label, "")]
        if method == compared.BASE:
            cells += [_error(runs, name) for name in names]
        else:
            cells += [_difference(runs, method, [name]) for name in names]
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = ["", *[TITLES[name] for name in names]]
    return latex.table("l" + "c" * len(names), header, lines[:-1])


def means(results: Path, out: Path) -> None:
    """The same without the intervals of single data sets, for the paper's width."""
    runs = compared.everything(results)
    names = compared.present(runs, TITLES)
    judged = compared.present(runs, JUDGED)
    lines = []
    for method in compared.methods(runs):
        base = method == compared.BASE
        cells = [METHODS[method].label]
        cells += [
            (_error(runs, one) if base else _difference(runs, method, [one]))[0] for one in names
        ]
        for one in (judged, False, True):
            cells.append(
                ("0" if one is judged else "1") if base else _summary(runs, method, one, judged)
            )
        lines.append(" & ".join(cells))
    header = ["", *[TITLES[name] for name in names], "mean", "steps", "seconds"]
    table = latex.table("l" + "c" * (len(header) - 1), header, lines or [latex.LEFT_OUT])
    latex.write(out, table)


def _summary(runs, method, what, judged):
    """With its interval the mean difference, or a price: whether of seconds."""
    if what is judged:
        return " ".join(_difference(runs, method, judged)).strip()
    found = compared.as_ratio(compared.cost(runs, method, judged, what))
    return latex.significant(found.value)


def _error(runs, name):
    """What the others are held against, in the data set's own units."""
    own = compared.by_split(runs, compared.BASE, name).values()
    score = "accuracy" if name in CLASSES else "rmse"
    found = [run["metrics"][f"best_test_{score}"] for run in own]
    return latex.significant(float(np.mean(found)), 3), ""


def _difference(runs, method, names):
    change = compared.difference(runs, method, names)
    in_units = compared.in_points if names[0] in CLASSES else compared.in_per_cent
    found = in_units(change)
    return choices.signed(found.value), latex.interval(found, choices.signed)


def settings(results: Path, out: Path) -> None:
    """What held-out rows chose among."""
    runs = [run for own in compared.everything(results).values() for run in own]
    titles = {name: look.label for name, look in METHODS.items()}
    own = ("method", "dataset", "lengths")
    latex.write(out, choices.table(runs, titles, HEADING, own, 0.8))
