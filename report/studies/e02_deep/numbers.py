"""The deep net's numbers: those of all trained networks, every run as coded, the linear model's."""

from pathlib import Path

import numpy as np

from report.lib import latex, load, metrics, summaries
from report.studies.e02_deep import linear
from report.studies.e02_deep.looks import EXPERIMENT, LONGER


def macros(results: Path) -> dict[str, str]:
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    found = {
        **summaries.macros(results, EXPERIMENT),
        prefix + "ReachedLevel": str(summaries.REACHED),
        prefix + "LinearTestAccuracy": latex.fixed(linear.accuracy(runs)),
    }
    for variant in ("rai_as_code", LONGER):
        own, name = load.of(runs, variant), prefix + latex.camel(variant)
        found[name + "BeyondLinear"] = latex.integer(linear.beyond(own))
        found[name + "Each"] = _each(own)
    return found


def _each(runs: list[dict]) -> str:
    """Every run's deployed test accuracy, the best first: their mean hides two kinds."""
    found = metrics.values(runs, "test_accuracy")
    return ", ".join(map(latex.fixed, sorted(found[np.isfinite(found)], reverse=True)))
