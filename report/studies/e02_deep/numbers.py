"""The deep net's numbers: those of all trained networks."""

from pathlib import Path

from report.lib import summaries
from report.studies.e02_deep.looks import EXPERIMENT


def macros(results: Path) -> dict[str, str]:
    return summaries.macros(results, EXPERIMENT)
