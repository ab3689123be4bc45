"""The numbers of the study of small tables, trained short and long."""

from pathlib import Path

from report.lib import latex, load
from report.studies.e17_tables.looks import LARGE, SMALL


def macros(results: Path) -> dict[str, str]:
    """`\\EOneSevenTablesN`, the number of splits, and likewise of larger tables."""
    found = {}
    for experiment in (SMALL, LARGE):
        runs = load.runs(results, experiment)
        found[latex.prefix(experiment) + "N"] = latex.integer(len(load.of(runs, "bp_full")))
    return found
