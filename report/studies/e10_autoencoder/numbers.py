"""The autoencoders' numbers: those of trained networks, the best first-order method, costs."""

from pathlib import Path

from report.lib import latex, load, search, summaries
from report.lib.looks import Experiment
from report.studies.e10_autoencoder.data_sets import SETS, best_first_order
from report.studies.e10_autoencoder.looks import METHODS
from report.studies.e10_autoencoder.tried import TRIALS


def macros(results: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for experiment in SETS:
        found |= summaries.macros(results, experiment)
        found |= _compared(load.runs(results, experiment), experiment)
        if tried := search.read(TRIALS, experiment.name):
            found |= search.macros(tried, experiment)
    return found


def _compared(runs: list[dict], experiment: Experiment) -> dict[str, str]:
    """The best first-order method, and each method's step time as a multiple of Adam's."""
    prefix, name = latex.prefix(experiment), best_first_order(runs)
    found = {
        prefix + "Best": METHODS[name].label if name else latex.NONE,
        prefix + "BestTrainLoss": latex.NONE,
        prefix + "BestTrainLossCI": latex.NONE,
    }
    if name:
        loss = summaries.estimates(runs, name)["train_loss"]
        found[prefix + "BestTrainLoss"] = latex.loss(loss.value)
        found[prefix + "BestTrainLossCI"] = latex.with_interval(loss, latex.loss)
    adam = summaries.estimates(runs, "adam")["milliseconds"].value
    for variant in experiment.variants:
        own = summaries.estimates(runs, variant)["milliseconds"].value
        found[prefix + latex.camel(variant) + "Cost"] = latex.significant(own / adam)
    return found
