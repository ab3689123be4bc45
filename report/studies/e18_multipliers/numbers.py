"""The numbers of the study of multipliers by depth."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.studies.e18_multipliers.looks import EXPERIMENT

WRITE = {
    "test_accuracy": latex.fixed,
    "deployment_gap": lambda value: latex.fixed(value, 2),
    "cosine_first": lambda value: latex.fixed(value, 2),
    "cosine_middle": lambda value: latex.fixed(value, 2),
    "cosine_all": lambda value: latex.fixed(value, 2),
    "step_milliseconds": latex.significant,
    "critical_path": latex.integer,
    "target_steps": latex.integer,
}
SETTINGS = ("train_examples", "batch_size", "units", "epochs", "trial_epochs", "held_out")


def macros(results: Path) -> dict[str, str]:
    """`\\EOneEightMultipliersPcAlmThreeZeroTestAccuracy`, with `CI` its interval behind it."""
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    settings = runs[0]["settings"] if runs else {}
    found = {
        prefix + latex.camel(name): latex.integer(settings.get(name, float("nan")))
        for name in SETTINGS
    }
    multiplied = load.of(runs, "pc_alm_10")
    for name in ("multiplier_rate", "multiplier_leak"):
        value = multiplied[0]["settings"][name] if multiplied else float("nan")
        found[prefix + latex.camel(name.removeprefix("multiplier_"))] = latex.significant(value, 3)
    found[prefix + "N"] = latex.integer(len(load.of(runs, "bp_10")))
    found[prefix + "DeepN"] = latex.integer(len(load.of(runs, "bp_100")))
    return found | metrics.written(runs, EXPERIMENT, WRITE)
