"""The numbers of the study of depth that must be trained."""

from pathlib import Path

import numpy as np

from report.lib import latex, load, metrics
from report.lib.looks import Experiment
from report.studies.e19_trained_depth.looks import BOTTLENECK, ON_SPIRALS

WRITE = {
    "test_accuracy": latex.fixed,
    "readout_accuracy": latex.fixed,
    "step_milliseconds": latex.significant,
    "critical_path": latex.integer,
}
LEVEL = 0.87  # of the mean test accuracy, until which products in a row are counted
SETTINGS = ("train_examples", "held_out_examples", "test_examples", "batch_size", "units", "steps")


def macros(results: Path) -> dict[str, str]:
    """`\\EOneNineBottleneckPcAlmThreeZeroTestAccuracy`, with `CI` its interval behind it."""
    return _of(results, BOTTLENECK, "bp_10") | _of(results, ON_SPIRALS, "bp")


def _of(results: Path, experiment: Experiment, first: str) -> dict[str, str]:
    runs, prefix = load.runs(results, experiment), latex.prefix(experiment)
    own = load.of(runs, first)
    settings = own[0]["settings"] if own else {}
    found = {
        prefix + latex.camel(name): latex.integer(settings.get(name, float("nan")))
        for name in SETTINGS
    }
    found[prefix + "N"] = latex.integer(len(own))
    trials = [len(settings.get(name, ())) for name in ("learning_rates", "hidden_weights")]
    found[prefix + "Trials"] = latex.integer(trials[0] * trials[1] or np.nan)
    every = settings.get("steps", np.nan) / settings.get("checkpoints", np.nan)
    found[prefix + "Look"] = latex.integer(every)
    for variant in experiment.variants:
        products = _products(load.of(runs, variant))
        found[prefix + latex.camel(f"{variant}_products")] = latex.integer(products)
    found |= metrics.written(runs, experiment, WRITE)
    return found | {prefix + "Level": latex.fixed(LEVEL, 2)}


def _products(runs: list[dict]) -> float:
    """Layer products in a row until the mean test accuracy is at the level; NaN if it never is."""
    if not runs:
        return np.nan
    reached = metrics.curves(runs, "test_accuracy").mean(axis=0) >= LEVEL
    steps = np.array(runs[0]["curves"]["steps"])[reached]
    return steps[0] * runs[0]["metrics"]["critical_path"] if len(steps) else np.nan
