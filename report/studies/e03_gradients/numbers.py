"""The numbers of the study of gradients."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.studies.e03_gradients.looks import ACTIVATIONS, EXPERIMENT, STARTS

SETTINGS = ("units", "large_gain", "trained_depth", "iterations", "cliff_steps")


def macros(results: Path) -> dict[str, str]:
    """A macro for every metric; `...Factor` is the factor a layer behind a rate."""
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    found = metrics.macros(results, EXPERIMENT)
    for variant in ACTIVATIONS:
        for start in STARTS:
            value = 10 ** metrics.mean(load.of(runs, variant), f"{start}_depth_rate").value
            found[prefix + latex.camel(f"{variant}_{start}_factor")] = latex.significant(value)
    settings = load.of(runs, "sigmoid")[0]["settings"]
    for name in SETTINGS:
        found[prefix + latex.camel(name)] = latex.integer(settings[name])
    few, many = load.of(runs, "local")[0]["settings"]["local_depths"]
    longest = max(load.of(runs, "chain")[0]["settings"]["lengths"])
    return found | {
        prefix + "Depth": latex.integer(max(settings["depths"])),
        prefix + "Few": latex.integer(few),
        prefix + "Many": latex.integer(many),
        prefix + "Longest": latex.integer(longest),
    }
