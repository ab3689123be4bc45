"""The numbers of the matching losses' one run: what all experiments have, and its grids."""

from pathlib import Path

from report.lib import latex, load, summaries
from report.studies.e09_matching.looks import EXPERIMENT

WHOLE = ("largest", "moderate", "points", "examples")  # settings that are whole numbers


def macros(results: Path) -> dict[str, str]:
    """Those, and `\\ENineLargest` and so on: settings as they stand in a sentence."""
    (run,) = load.runs(results, EXPERIMENT)[:1]
    settings, prefix = run["settings"], latex.prefix(EXPERIMENT)
    own = {
        prefix + latex.camel(name): latex.integer(settings.get(name, float("nan")))
        for name in WHOLE
    }
    own[prefix + "Widths"] = "--".join(str(units) for units in settings.get("widths", []))
    return summaries.macros(results, EXPERIMENT) | own
