"""The numbers of the learned ReLU: those of trained networks, and of its alphas."""

from pathlib import Path

import numpy as np

from report.lib import latex, load, metrics, stats, summaries
from report.studies.e11_relu_alpha import alphas
from report.studies.e11_relu_alpha.looks import ALL_WEIGHTS, EXPERIMENT, LAYERS


def macros(results: Path) -> dict[str, str]:
    return summaries.macros(results, EXPERIMENT) | of_alphas(load.runs(results, EXPERIMENT))


def of_alphas(runs: list[dict]) -> dict[str, str]:
    """What the alphas did, by protocol, and what the source's did."""
    prefix = latex.prefix(EXPERIMENT)
    found = _source(prefix) | _dip(runs, prefix) | _protocols(runs, prefix)
    for variant in ALL_WEIGHTS:
        found |= _protocol(runs, variant, prefix + latex.camel(variant))
    return found


def _protocols(runs: list[dict], prefix: str) -> dict[str, str]:
    """What the protocols' settings are in a sentence."""
    settings = {run["variant"]: run.get("settings", {}) for run in runs}
    weights = settings.get("code", {}).get("weights", [])
    subsample = settings.get("document", {}).get("train_examples", np.nan)
    return {
        prefix + "AtZero": str(alphas.AT_ZERO),
        prefix + "AtOne": str(alphas.AT_ONE),
        prefix + "Weights": latex.integer(len(weights)),
        prefix + "Pairs": latex.integer(len(weights) - 1),
        prefix + "LargestWeight": str(max(weights, default=latex.NONE)),
        prefix + "Subsample": latex.integer(subsample),
    }


def _dip(runs: list[dict], prefix: str) -> dict[str, str]:
    """What the share at zero does between the two weights, in our pairs and in the source."""
    chosen = load.of(runs, "dip")
    steps, spread = metrics.values(chosen, "zero_step"), alphas.spread(runs)
    low, high = alphas.source_files()
    falls = alphas.source_files()[high] - alphas.source_files()[low]
    dip = alphas.source()[high] - alphas.source()[low]
    found = {
        "Dip": latex.with_interval(metrics.mean(chosen, "zero_step"), latex.percent),
        "DipRuns": latex.integer(len(chosen)),
        "DipFalls": latex.integer(int((steps < 0).sum())),
        "DipSame": latex.integer(int((steps == 0).sum())),
        "DipRises": latex.integer(int((steps > 0).sum())),
        "DipFrom": str(low),
        "DipTo": str(high),
        "DipSpread": latex.percent(spread),
        "SourceDip": latex.percent(dip),
        "SourceDipDeviations": latex.fixed(abs(dip) / (spread or np.nan), 1),
        "SourceNets": latex.integer(alphas.book()["runs"]),
        "SourceFiles": latex.integer(len(falls)),
        "SourceFilesFall": latex.integer(int((falls < 0).sum())),
        "SourceLeastFall": latex.percent(abs(falls).min()),
        "SourceMostFall": latex.percent(abs(falls).max()),
    }
    return {prefix + name: text for name, text in found.items()}


def _source(prefix: str) -> dict[str, str]:
    """What the source found."""
    theirs = alphas.source()
    # Beyond .015 none of its alphas ended at one, so what is not at zero is between.
    between = float(np.mean([1 - theirs[weight] for weight in (0.02, 0.025, 0.03)]))
    return {prefix + "SourceBetween": latex.percent(between)}


def _protocol(runs: list[dict], variant: str, own: str) -> dict[str, str]:
    """What the alphas of one protocol did; `own` is what its macros begin with."""
    chosen, frame = load.of(runs, variant), alphas.nets(runs, variant)
    ours, away = alphas.shares(runs, variant), alphas.distances(runs, variant)
    mean = float(np.mean(np.abs(list(away.values())))) if away else np.nan
    correlation = alphas.correlation(runs, variant)
    found = {
        own + "Runs": latex.integer(len(chosen)),
        own + "Correlation": latex.with_interval(correlation, latex.fixed),
        own + "Inside": latex.integer(len(alphas.inside(runs, variant))),
        own + "Of": latex.integer(len(away)),
        own + "Distance": latex.percent(mean),
    }
    for name, ends in (("Low", min), ("High", max)):
        found[own + name] = latex.percent(ours[ends(ours)].value if ours else np.nan)
    for metric in ("zero_share", "between_share", "third_at_one"):
        estimate = metrics.mean(chosen, metric)
        found[own + latex.camel(metric)] = latex.with_interval(estimate, latex.percent)
    rank = metrics.mean(chosen, "start_rank_correlation")
    found[own + "StartCorrelation"] = latex.with_interval(rank, latex.fixed)
    accuracies = alphas.accuracies(chosen, variant) if chosen else {}
    for name, linear in (("Linear", True), ("Other", False)):
        estimate = accuracies.get(linear, stats.mean([]))
        found[own + name + "Accuracy"] = latex.with_interval(estimate, latex.fixed)
    third = frame[frame["layer"] == len(LAYERS) - 1]["final"].max()
    found[own + "ThirdLargest"] = latex.fixed(third, 2)
    for layer, name in enumerate(LAYERS):
        weight = alphas.layer_at_one(runs, variant, layer)
        found[own + latex.camel(name) + "LayerAtOne"] = latex.fixed(weight)
    return found
