"""The numbers of the study of local steps."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.lib.costs import BACKENDS, QUANTITIES
from report.studies.e16_local_steps.looks import EXPERIMENT, LABELS

SHOWN = ("ratio", "seconds", "first_seconds")


def macros(results: Path) -> dict[str, str]:
    """`\\EOneSixJaxSRatio`, with `CI` the interval behind it."""
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    settings = load.of(runs, "jax")[0]["settings"]
    found = {
        prefix + "N": latex.integer(len(load.of(runs, "jax"))),
        prefix + "Batch": latex.integer(settings["batch_size"]),
        prefix + "Steps": latex.integer(settings["local_steps"]),
        prefix + "Rounds": latex.integer(settings["rounds"]),
    }
    for backend in BACKENDS:
        for method in LABELS:
            for quantity in SHOWN:
                name = f"{method}_{quantity}"
                write, unit = QUANTITIES[quantity]
                value = metrics.mean(load.of(runs, backend), name)
                own = prefix + latex.camel(f"{backend}_{name}")
                found[own] = write(value.value) + unit
                found[own + "CI"] = latex.with_interval(value, write) + unit
    return found
