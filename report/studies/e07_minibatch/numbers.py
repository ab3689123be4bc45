"""The numbers of the mini-batch experiment: those of trained networks, and of trials."""

from pathlib import Path

from report.lib import search, summaries
from report.studies.e07_minibatch.looks import EXPERIMENT
from report.studies.e07_minibatch.tried import TRIALS


def macros(results: Path) -> dict[str, str]:
    return {
        **summaries.macros(results, EXPERIMENT),
        **search.macros(search.read(TRIALS), EXPERIMENT),
    }
