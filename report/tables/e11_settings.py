"""Settings of the variants of the learned ReLU; long lists of penalty weights by their ends."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import alphas, latex, load, settings


def build(results: Path, out: Path) -> None:
    table = settings.table(results, alphas.EXPERIMENT)
    for run in load.runs(results, alphas.EXPERIMENT):
        weights = run["settings"]["weights"]
        if len(weights) > 4:
            short = f"{len(weights)}, from {min(weights)} to {max(weights)}"
            table = table.replace(settings.text(weights), short)
    latex.write(out, table)


if __name__ == "__main__":
    load.main(build)
