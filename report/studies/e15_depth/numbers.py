"""The numbers of very deep nets."""

from pathlib import Path

from report.lib import latex, load, summaries
from report.studies.e15_depth.looks import EXPERIMENT

COUNTS = {"layers_reached": "Layers", "products_in_a_row": "Products", "iterations": "Iterations"}


def macros(results: Path) -> dict[str, str]:
    """Accuracies and counts of every depth."""
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    found = {prefix + "Units": latex.integer(runs[0]["settings"]["units"])}
    for variant in EXPERIMENT.variants:
        own, values = prefix + latex.camel(variant), summaries.estimates(runs, variant)
        first = load.of(runs, variant)[0]
        found[own + "TestAccuracy"] = latex.fixed(values["test_accuracy"].value)
        found[own + "Readout"] = latex.fixed(values["readout_test_accuracy"].value)
        found[own + "Depth"] = latex.integer(first["settings"]["depth"])
        found |= {own + n: latex.integer(first["metrics"].get(k) or 0) for k, n in COUNTS.items()}
    return found
