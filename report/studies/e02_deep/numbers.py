"""The deep net's numbers: those of all trained networks, every run as coded, the linear model's."""

from pathlib import Path

import numpy as np

from report.lib import latex, load, metrics, summaries
from report.studies.e02_deep import linear
from report.studies.e02_deep.looks import EXPERIMENT


def macros(results: Path) -> dict[str, str]:
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    own = load.of(runs, "rai_as_code")
    return {
        **summaries.macros(results, EXPERIMENT),
        prefix + "LinearTestAccuracy": latex.fixed(linear.accuracy(runs)),
        prefix + "RaiAsCodeBeyondLinear": latex.integer(linear.beyond(own)),
        prefix + "RaiAsCodeEach": _each(own),
    }


def _each(runs: list[dict]) -> str:
    """Every run's deployed test accuracy, the best first: their mean hides two kinds."""
    found = metrics.values(runs, "test_accuracy")
    return ", ".join(map(latex.fixed, sorted(found[np.isfinite(found)], reverse=True)))
