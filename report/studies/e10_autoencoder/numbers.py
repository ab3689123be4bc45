"""The autoencoder's numbers: of trained networks, of the protocol, the best first-order method."""

from pathlib import Path

import numpy as np

from report.lib import latex, load, metrics
from report.studies.e10_autoencoder import constants
from report.studies.e10_autoencoder.looks import AUTOENCODER, FIRST_ORDER, LONG_RUNS

SETTINGS = ("train_examples", "test_examples", "code_units", "epochs", "batch_size", "trials")
WRITE = {
    "train_excess": latex.loss,
    "test_excess": latex.loss,
    "step_evaluations": latex.significant,
    "gradient_evaluations": latex.integer,
    "milliseconds": latex.significant,
}


def macros(results: Path) -> dict[str, str]:
    """`\\EOneZeroLocopropMTrainExcess`, with `CI` its interval behind it."""
    runs, prefix = load.runs(results, AUTOENCODER), latex.prefix(AUTOENCODER)
    own = load.of(runs, "adam")
    settings = own[0]["settings"] if own else {}
    found = {
        prefix + latex.camel(name): latex.integer(settings.get(name, float("nan")))
        for name in SETTINGS
    }
    found |= {
        prefix + latex.camel(name.lower()): latex.integer(value)
        for name, value in constants.read().items()
    }
    hidden = [latex.integer(one) for one in settings.get("hidden_units", [])]
    long = load.of(runs, "adam_long")
    name = _best(runs)
    best = metrics.mean(load.of(runs, name), "train_excess") if name else None
    return (
        found
        | {
            prefix + "N": latex.integer(len(own)),
            prefix + "Hidden": ", ".join(hidden) or latex.NONE,
            prefix + "LongEpochs": latex.integer(
                long[0]["settings"]["epochs"] if long else float("nan")
            ),
            prefix + "Floor": latex.loss(metrics.mean(own, "train_floor").value),
            prefix + "Best": FIRST_ORDER[name].label if name else latex.NONE,
            prefix + "BestTrainExcess": latex.with_interval(best, latex.loss)
            if best
            else latex.NONE,
        }
        | metrics.written(runs, AUTOENCODER, WRITE)
        | _run_by_run(runs, prefix)
    )


def _run_by_run(runs: list[dict], prefix: str) -> dict[str, str]:
    """Of the long variants: runs below LocoProp-M's with the same start, and the highest loss."""
    losses = {
        (run["variant"], run["seed"]): run["metrics"]["train_excess"]
        for run in runs
        if run["variant"] in ("locoprop_m", *LONG_RUNS)
    }
    found = {}
    for variant in LONG_RUNS:
        own = {seed: loss for (name, seed), loss in losses.items() if name == variant}
        pairs = [(loss, losses.get(("locoprop_m", seed))) for seed, loss in own.items()]
        below = sum(other is not None and loss < other for loss, other in pairs)
        name = prefix + latex.camel(variant)
        found[name + "Below"] = latex.integer(below)
        found[name + "Worst"] = latex.loss(max(own.values(), default=float("nan")))
    return found


def _best(runs: list[dict]) -> str | None:
    """The first-order method with the lowest mean training loss."""
    found = {one: metrics.mean(load.of(runs, one), "train_excess").value for one in FIRST_ORDER}
    known = {one: value for one, value in found.items() if np.isfinite(value)}
    return min(known, key=known.__getitem__) if known else None
