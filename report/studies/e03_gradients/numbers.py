"""The numbers of the study of gradients."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.studies.e03_gradients.looks import ACTIVATIONS, EXPERIMENT, STARTS


def macros(results: Path) -> dict[str, str]:
    """A macro for every metric; `...Factor` is the factor a layer behind a rate."""
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    found = metrics.macros(results, EXPERIMENT)
    for variant in ACTIVATIONS:
        for start in STARTS:
            value = 10 ** metrics.mean(load.of(runs, variant), f"{start}_depth_rate").value
            found[prefix + latex.camel(f"{variant}_{start}_factor")] = latex.significant(value)
    settings = {part: load.of(runs, part)[0]["settings"] for part in ("sigmoid", "local", "chain")}
    sizes = {
        "Depth": max(settings["sigmoid"]["depths"]),
        "Shallowest": min(settings["sigmoid"]["depths"]),
        "LargeGain": settings["sigmoid"]["large_gain"],
        "BiasLow": settings["sigmoid"]["bias_range"][0],
        "BiasHigh": settings["sigmoid"]["bias_range"][1],
        "Few": settings["local"]["local_depths"][0],
        "Many": settings["local"]["local_depths"][1],
        "Longest": max(settings["chain"]["lengths"]),
        "Wall": -2 * settings["sigmoid"]["start"][1],  # the cliff's, by its bias
    }
    return found | {prefix + name: latex.integer(value) for name, value in sizes.items()}
