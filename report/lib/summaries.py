"""Mean and interval of every metric of every variant of trained networks, as table and macros."""

from pathlib import Path

import numpy as np

from report.lib import latex, load, stats
from report.lib.looks import Experiment

NEAR = 0.3  # radius around the training examples, in the units of the moons
REACHED = 0.99  # test accuracy of a net that has learned the moons

WRITE = {
    "train_accuracy": latex.fixed,
    "test_accuracy": latex.fixed,
    "train_loss": latex.loss,
    "test_loss": latex.loss,
    "relaxed_loss": latex.loss,
    "task_loss": latex.loss,
    "hidden_loss": latex.loss,
    "train_error": latex.loss,
    "test_error": latex.loss,
    "deployment_gap": latex.loss,
    "readout_test_accuracy": latex.fixed,
    "seconds": latex.seconds,
    "milliseconds": latex.seconds,
    "epochs": latex.integer,
    "store_megabytes": latex.seconds,
    "disagreement": latex.percent,
    "disagreement_near": latex.percent,
}
UNITS = {
    "seconds": r"\,s",
    "milliseconds": r"\,ms",
    "store_megabytes": r"\,MB",
    "disagreement": r"\,\%",
    "disagreement_near": r"\,\%",
}


def estimates(runs: list[dict], variant: str) -> dict[str, stats.Estimate]:
    """The estimate of each name in `WRITE` for one variant; milliseconds are per iteration."""
    if not load.of(runs, variant):  # left out of this profile
        return {name: stats.mean([]) for name in WRITE}
    frame = load.metrics(load.of(runs, variant))
    if "seconds" in frame and "milliseconds" not in frame:
        frame["milliseconds"] = 1000 * frame["seconds"] / frame["iterations"]
    if "store_bytes" in frame:
        frame["store_megabytes"] = frame["store_bytes"] / 1e6
    found = {name: stats.mean(frame[name]) for name in WRITE if name in frame}
    grids = load.landscapes(runs, variant)
    mask = stats.near(load.moons()[0], load.grid_axis(runs), NEAR) if grids else None
    found["disagreement"] = stats.disagreement(grids)
    found["disagreement_near"] = stats.disagreement(grids, mask)
    return found


def counts(runs: list[dict], variant: str) -> dict[str, int]:
    """Runs, diverged runs, runs that reach `REACHED`, and iterations of a variant."""
    chosen = load.of(runs, variant)
    frame = load.metrics(chosen).reindex(columns=["status", "test_accuracy", "iterations"])
    return {
        "runs": len(chosen),
        "diverged": int((frame["status"] == "diverged").sum()),
        "reached": int((frame["test_accuracy"] >= REACHED).sum()),
        "iterations": int(np.nan_to_num(frame["iterations"].max())),
    }


def table(results: Path, experiment: Experiment, columns: dict[str, str]) -> str:
    """The summary table of an experiment; what the profile leaves out has no row.

    Args:
        results: results folder.
        experiment: of a study's looks.py.
        columns: headings by the names in `WRITE`.
    """
    runs = load.runs(results, experiment)
    lines = []
    for variant, look in experiment.variants.items():
        if not load.of(runs, variant):
            continue
        found, count = estimates(runs, variant), counts(runs, variant)
        cells = [(look.label, "")]
        cells += [(latex.integer(count[name]), "") for name in ("iterations", "runs", "diverged")]
        for name in columns:
            write = WRITE[name]
            cells.append((write(found[name].value), latex.interval(found[name], write)))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = ["", "iterations", "$n$", "div.", *columns.values()]
    return latex.table("lrrr" + "c" * len(columns), header, lines[:-1] or [latex.LEFT_OUT])


def macros(results: Path, experiment: Experiment) -> dict[str, str]:
    """All numbers of trained networks: `\\EOneBpTestAccuracy`, with `CI` its interval behind it."""
    runs, number = load.runs(results, experiment), latex.prefix(experiment)
    count = {variant: counts(runs, variant) for variant in experiment.variants}
    sizes = sorted({one["runs"] for one in count.values()} - {0}) or [0]
    found = {
        number + "N": str(sizes[0]) + (f" to {sizes[-1]}" if len(sizes) > 1 else ""),
        number + "Data": ", ".join(dict.fromkeys(_data(run) for run in runs)),
        number + "Lost": str(sum(one["diverged"] for one in count.values())),
    }
    for variant, numbers in count.items():
        own = number + latex.camel(variant)
        for name, estimate in estimates(runs, variant).items():
            write, unit = WRITE[name], UNITS.get(name, "")
            found[own + latex.camel(name)] = write(estimate.value) + unit
            found[own + latex.camel(name) + "CI"] = latex.with_interval(estimate, write) + unit
        found |= {own + latex.camel(name): latex.integer(n) for name, n in numbers.items()}
    return found


def _data(run: dict) -> str:
    return rf"\texttt{{{latex.escape(run['settings'].get('dataset', 'moons'))}}}"
