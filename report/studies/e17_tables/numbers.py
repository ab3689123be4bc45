"""The numbers of the study of small tables, trained short and long."""

from pathlib import Path

from report.lib import choices, latex, load
from report.lib.looks import Experiment
from report.studies.e17_tables import compared
from report.studies.e17_tables.looks import (
    CLASSES,
    DECIDING,
    ENERGY,
    FRIEDMAN1,
    JUDGED,
    METHODS,
    TITLES,
)

PREFIX = "EOneSeven"


def macros(results: Path) -> dict[str, str]:
    """`\\EOneSevenMultipliersEnergy` is the difference to full-batch backprop in per cent.

    With `Mean` the mean over the judged sets (`MeanSize`: without sign and interval;
    `Deciding`: of those on which a linear model is worse; `Others`: of all but Friedman 1), `Bp`
    the same against backprop in mini-batches, `Overfit` the test error at the end over the best
    one, `Equal` the difference at equal training error, `Steps` and `Seconds` the price, `AtEnd` in
    how many runs the best point is the end of the longest one.
    """
    runs = compared.everything(results)
    judged = compared.present(runs, JUDGED)
    found = {
        PREFIX + "N": latex.integer(len(compared.by_split(runs, compared.BASE, ENERGY))),
        PREFIX + "Sets": latex.integer(len(judged)),
        PREFIX + "Trials": latex.integer(_trials(runs)),
    }
    for method in METHODS:
        own = PREFIX + latex.camel(method)
        change = {_name(one): compared.difference(runs, method, [one]) for one in TITLES}
        change["mean"] = compared.difference(runs, method, judged)
        deciding = compared.present(runs, DECIDING)
        change["deciding"] = compared.difference(runs, method, deciding)
        others = [one for one in judged if one is not FRIEDMAN1]
        change["others"] = compared.difference(runs, method, others)
        change["bp"] = compared.difference(runs, method, judged, other="bp")
        change["overfit"] = compared.overfitting(runs, method, judged)
        for one in JUDGED if method != "linear" else ():
            change["equal_" + _name(one)] = compared.at_equal_training_error(runs, method, [one])
            change["overfit_" + _name(one)] = compared.overfitting(runs, method, [one])
        classes = [_name(one) for one in CLASSES]
        size = abs(compared.in_per_cent(change["mean"]).value)
        found[own + "MeanSize"] = latex.fixed(size, 1)
        for name, value in change.items():
            units = compared.in_points if name in classes else compared.in_per_cent
            found[own + latex.camel(name)] = latex.with_interval(units(value), choices.signed)
        found[own + "AtEnd"] = "{} of {}".format(*compared.at_end(runs, (method,), judged))
        for name, seconds in (("steps", False), ("seconds", True)):
            price = compared.as_ratio(compared.cost(runs, method, judged, seconds))
            found[own + latex.camel(name)] = latex.with_interval(price, latex.significant)
    return found


def _trials(runs: compared.Runs) -> float:
    """How many settings backprop has."""
    found = [run for own in runs.values() for run in load.of(own, compared.BASE)]
    return len(found[0]["curves"]["trials"]) if found else float("nan")


def _name(data_set: Experiment) -> str:
    return data_set.name.partition("_")[2]
