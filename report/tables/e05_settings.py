"""How each method is trained and the settings of which held-out rows chose."""

from pathlib import Path

from report import generalisation, latex, load, tabular
from report.variants import label

HEADING = "settings tried, and the share of splits and data sets that chose each"


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, generalisation.TABLES)
    titles = {name: label(generalisation.TABLES, name) for name in generalisation.methods(runs)}
    latex.write(out, tabular.trials_table(runs, titles, HEADING, ("method", "sets"), 0.8))
