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
    found[prefix + "RaiAsCodeLongChange"] = latex.fixed(_late_change(load.of(runs, LONGER)))
    return found


def _late_change(runs: list[dict]) -> float:
    """By how much an accuracy changes at most in the last third of the steps; NaN without runs."""
    changes = []
    for run in runs:
        steps, accuracy = (np.array(run["curves"][k]) for k in ("iteration", "test_accuracy"))
        late = accuracy[np.flatnonzero(3 * steps <= 2 * steps[-1])[-1] :]
        changes.append(np.ptp(late))
    return max(changes, default=np.nan)


def _each(runs: list[dict]) -> str:
    """Every run's deployed test accuracy, the best first: their mean hides two kinds."""
    found = metrics.values(runs, "test_accuracy")
    return ", ".join(map(latex.fixed, sorted(found[np.isfinite(found)], reverse=True)))
