"""Results of the other autoencoders: one row per method, one group of columns per data set."""

from pathlib import Path

from report import autoencoders, latex, load, summary
from report.variants import AUTOENCODERS

EXPERIMENTS = [name for name in autoencoders.SETS if name != "e10_mnist"]
COLUMNS = {
    "train_loss": "train loss",
    "test_loss": "test loss",
    "test_error": "test error",
    "seconds": "time (s)",
}


def build(results: Path, out: Path) -> None:
    runs = {name: load.runs(results, name) for name in EXPERIMENTS}
    lines = []
    for variant, look in AUTOENCODERS.items():
        if not any(load.of(one, variant) for one in runs.values()):
            continue
        cells = [look.label]
        for experiment in EXPERIMENTS:
            found = summary.estimates(runs[experiment], variant)
            count = summary.counts(runs[experiment], variant)
            cells.append(latex.integer(count["runs"]) + (r"$^*$" if count["diverged"] else ""))
            cells += [summary.WRITE[name](found[name].value) for name in COLUMNS]
        lines.append(" & ".join(cells))
    titles = [autoencoders.title(runs[name], name) for name in EXPERIMENTS]
    header = latex.grouped(titles, ["$n$", *COLUMNS.values()] * len(EXPERIMENTS))
    columns = "l" + ("r" + "c" * len(COLUMNS)) * len(EXPERIMENTS)
    latex.write(out, latex.table(columns, header, lines or [latex.LEFT_OUT]))
