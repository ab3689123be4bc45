"""The README's picture, which is none of the paper's."""

from pathlib import Path

from report.lib import load, panels
from report.studies.e02_deep.looks import EXPERIMENT

SHOWN = {
    "bp_default": "Backprop, default initialisation",
    "rai_growing": "RAI, increasing penalty",
}


def readme_landscapes(results: Path, out: Path) -> None:
    """A 100-layer sigmoid net under backprop's default initialisation and under RAI."""
    panels.landscapes(load.runs(results, EXPERIMENT), SHOWN, out, 6, 3.05, fontsize=10)
