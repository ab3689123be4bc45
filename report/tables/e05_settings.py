"""How each method is trained and the settings of which held-out rows chose."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import generalisation, latex, load, tabular
from report.variants import label

HEADING = "settings tried, and the share of splits and data sets that chose each"


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, generalisation.TABLES)
    titles = {name: label(generalisation.TABLES, name) for name in generalisation.methods(runs)}
    latex.write(out, tabular.trials_table(runs, titles, HEADING, ("method", "sets"), 0.8))


if __name__ == "__main__":
    load.main(build)
