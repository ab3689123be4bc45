"""Settings of the variants of the learned ReLU; long lists of penalty weights by their ends."""

from pathlib import Path

from report import alphas, latex, load, settings


def build(results: Path, out: Path) -> None:
    table = settings.table(results, alphas.EXPERIMENT)
    for run in load.runs(results, alphas.EXPERIMENT):
        weights = run["settings"]["weights"]
        if len(weights) > 4:
            short = f"{len(weights)}, from {min(weights)} to {max(weights)}"
            table = table.replace(settings.text(weights), short)
    latex.write(out, table)
