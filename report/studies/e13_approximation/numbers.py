"""The numbers of the study of approximation."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.studies.e13_approximation.looks import EXPERIMENT


def macros(results: Path) -> dict[str, str]:
    """A macro for every metric, and the sizes of what was run."""
    settings = load.of(load.runs(results, EXPERIMENT), "tanh")[0]["settings"]
    numbers = {
        "Narrow": settings["widths"][0],
        "Wide": settings["widths"][-1],
        "TrainedWide": settings["trained_widths"][-1],
        "Examples": settings["train_examples"],
        "Steps": settings["steps"],
        "Grid": settings["grid_points"],
        "Sample": 2 ** settings["sample_power"],
    }
    prefix = latex.prefix(EXPERIMENT)
    sizes = {prefix + name: latex.integer(number) for name, number in numbers.items()}
    return metrics.macros(results, EXPERIMENT) | sizes
