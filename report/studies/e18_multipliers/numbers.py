"""The numbers of the study of multipliers by depth."""

from pathlib import Path

from report.lib import latex, load
from report.studies.e18_multipliers.looks import EXPERIMENT


def macros(results: Path) -> dict[str, str]:
    """`\\EOneEightN`, the number of runs of backprop at the least depth."""
    runs = load.runs(results, EXPERIMENT)
    return {latex.prefix(EXPERIMENT) + "N": latex.integer(len(load.of(runs, "bp_10")))}
