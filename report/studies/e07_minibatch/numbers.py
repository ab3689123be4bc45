"""The numbers of the mini-batch experiment: those of trained networks, and of trials."""

from pathlib import Path

from report.lib import latex, load, search, summaries
from report.studies.e07_minibatch.looks import EXPERIMENT
from report.studies.e07_minibatch.tried import TRIALS


def macros(results: Path) -> dict[str, str]:
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    chosen, count = runs[0]["settings"], summaries.counts(runs, "bp")
    epochs = chosen.get("epochs") or 1
    images = count["iterations"] * chosen.get("batch_size", 0) // epochs
    return {
        **summaries.macros(results, EXPERIMENT),
        **search.macros(search.read(TRIALS), EXPERIMENT),
        prefix + "Images": latex.integer(images),
    }
