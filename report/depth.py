"""What the report says of very deep nets (e15): macros, and which variants are trainings."""

from report import latex, load, summary
from report.variants import VARIANTS

EXPERIMENT = "e15_depth"
TRAINED = [name for name in VARIANTS[EXPERIMENT] if name.rpartition("_")[2].isdigit()]
LINES = {"rates": ("rai_rates", "bp_rates"), "gains": ("rai_gains", "bp_gains")}
COUNTS = {"layers_reached": "Layers", "products_in_a_row": "Products", "iterations": "Iterations"}


def macros(runs: list[dict], experiment: str) -> dict[str, str]:
    """Accuracies, seconds and counts of every variant, the decades of rates that work."""
    counts = [len(load.of(runs, variant)) for variant in TRAINED]
    found = {"EOneFiveN": latex.integer(min(counts)) + r" to " + latex.integer(max(counts))}
    for variant in TRAINED:
        own, values = "EOneFive" + latex.camel(variant), summary.estimates(runs, variant)
        first = load.of(runs, variant)[0]
        found[own + "TestAccuracy"] = latex.fixed(values["test_accuracy"].value)
        found[own + "Readout"] = latex.fixed(values["readout_test_accuracy"].value)
        found[own + "Seconds"] = latex.seconds(values["seconds"].value) + r"\,s"
        found[own + "Depth"] = latex.integer(first["settings"]["depth"])
        found |= {own + n: latex.integer(first["metrics"].get(k) or 0) for k, n in COUNTS.items()}
    for variant in LINES["rates"]:
        run = load.of(runs, variant)[0]
        name = "EOneFive" + latex.camel(variant) + "Decades"
        found[name] = latex.integer(run["metrics"].get("decades") or 0)
    found["EOneFiveUnits"] = latex.integer(load.of(runs, TRAINED[0])[0]["settings"]["units"])
    return found


def line(runs: list[dict], variant: str):
    """Settings along a line and the mean test accuracy over runs at each."""
    chosen = load.of(runs, variant)
    values = [run["curves"]["test_accuracy"] for run in chosen]
    return chosen[0]["curves"]["setting"], [
        sum(each) / len(each) for each in zip(*values, strict=True)
    ]
