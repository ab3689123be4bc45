"""The shallow net's numbers: those of all trained networks."""

from pathlib import Path

from report.lib import summaries
from report.studies.e01_shallow.looks import EXPERIMENT


def macros(results: Path) -> dict[str, str]:
    return summaries.macros(results, EXPERIMENT)
