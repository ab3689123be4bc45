"""The deep net's numbers: those of all trained networks, and the linear model's."""

from pathlib import Path

from report.lib import latex, load, summaries
from report.studies.e02_deep import linear
from report.studies.e02_deep.looks import EXPERIMENT


def macros(results: Path) -> dict[str, str]:
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    own = load.of(runs, "rai_as_code")
    return {
        **summaries.macros(results, EXPERIMENT),
        prefix + "LinearTestAccuracy": latex.fixed(linear.accuracy(runs)),
        prefix + "RaiAsCodeBeyondLinear": latex.integer(linear.beyond(own)),
    }
