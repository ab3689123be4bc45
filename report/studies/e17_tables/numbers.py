"""The numbers of the study of small tables, trained short and long."""

from pathlib import Path

from report.lib import choices, latex, load
from report.studies.e17_tables import compared
from report.studies.e17_tables.looks import LARGE, METHODS, SMALL


def macros(results: Path) -> dict[str, str]:
    """`\\EOneSevenTablesMultipliersEnergy` is the difference to full-batch backprop in per cent.

    With `Mean` the mean over the judged sets, `Bp` the same against backprop in mini-batches,
    `Overfit` the test error at the end over the best one, `Equal` the difference at equal training
    error, `Steps` and `Seconds` the price.
    """
    runs, prefix = compared.everything(results), latex.prefix(SMALL)
    judged = compared.present(runs, compared.JUDGED)
    found = {
        prefix + "N": latex.integer(len(load.of(runs, compared.BASE))),
        prefix + "Sets": latex.integer(len(judged)),
        latex.prefix(LARGE) + "N": latex.integer(len(load.runs(results, LARGE))),
    }
    for method in METHODS:
        own = prefix + latex.camel(method)
        change = {name: compared.difference(runs, method, [name]) for name in compared.TITLES}
        change["mean"] = compared.difference(runs, method, judged)
        change["bp"] = compared.difference(runs, method, judged, other="bp")
        change["overfit"] = compared.overfitting(runs, method, judged)
        for name in compared.JUDGED:
            if method != "linear":
                change[f"equal_{name}"] = compared.at_equal_training_error(runs, method, name)
                change[f"overfit_{name}"] = compared.overfitting(runs, method, [name])
        for name, value in change.items():
            units = compared.in_points if name in compared.CLASSES else compared.in_per_cent
            found[own + latex.camel(name)] = latex.with_interval(units(value), choices.signed)
        for name, seconds in (("steps", False), ("seconds", True)):
            price = compared.as_ratio(compared.cost(runs, method, judged, seconds))
            found[own + latex.camel(name)] = latex.with_interval(price, latex.significant)
    return found
