"""The numbers of the matching losses' one run: what all experiments have."""

from pathlib import Path

from report.lib import summaries
from report.studies.e09_matching.looks import EXPERIMENT


def macros(results: Path) -> dict[str, str]:
    return summaries.macros(results, EXPERIMENT)
