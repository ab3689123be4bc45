"""The numbers of very deep nets."""

from pathlib import Path

from report.lib import latex, load, summaries
from report.studies.e15_depth.looks import EXPERIMENT, RATES, TRAINED

COUNTS = {"layers_reached": "Layers", "products_in_a_row": "Products", "iterations": "Iterations"}


def macros(results: Path) -> dict[str, str]:
    """Accuracies, seconds and counts of every variant, the decades of rates that work."""
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    counts = [len(load.of(runs, variant)) for variant in TRAINED]
    found = {prefix + "N": latex.integer(min(counts)) + r" to " + latex.integer(max(counts))}
    for variant in TRAINED:
        own, values = prefix + latex.camel(variant), summaries.estimates(runs, variant)
        first = load.of(runs, variant)[0]
        found[own + "TestAccuracy"] = latex.fixed(values["test_accuracy"].value)
        found[own + "Readout"] = latex.fixed(values["readout_test_accuracy"].value)
        found[own + "Seconds"] = latex.seconds(values["seconds"].value) + r"\,s"
        found[own + "Depth"] = latex.integer(first["settings"]["depth"])
        found |= {own + n: latex.integer(first["metrics"].get(k) or 0) for k, n in COUNTS.items()}
    for variant in RATES:
        decades = load.of(runs, variant)[0]["metrics"].get("decades") or 0
        found[prefix + latex.camel(variant) + "Decades"] = latex.integer(decades)
    found[prefix + "Units"] = latex.integer(runs[0]["settings"]["units"])
    return found
