"""Every method on both tasks: what it reaches and what it costs."""

from pathlib import Path

from report.lib import latex, load, metrics, setting_tables
from report.studies.e19_trained_depth.looks import BOTTLENECK, DEPTHS, ON_SPIRALS, TRAINED

COLUMNS = {
    "test_accuracy": "test accuracy",
    "train_accuracy": "training",
    "readout_accuracy": "untrained",
}
PRICE = {  # without an interval
    "learning_rate": ("rate", latex.significant),
    "hidden_weight": ("weight", latex.significant),
    "critical_path": ("path", latex.integer),
    "step_milliseconds": ("ms", latex.significant),
}


def trained(results: Path, out: Path) -> None:
    """Groups of rows: the bottleneck by depth, then the spirals."""
    by_depth = [[f"{one}_{d}" for one in TRAINED if d in TRAINED[one]] for d in DEPTHS]
    groups = [(BOTTLENECK, variants) for variants in by_depth]
    lines: list[str] = []
    for experiment, variants in [*groups, (ON_SPIRALS, [*ON_SPIRALS.variants])]:
        runs = load.runs(results, experiment)
        rows = [_row(runs, experiment, one) for one in variants if load.of(runs, one)]
        lines += [r"\midrule"] if lines and rows else []
        for row in rows:
            lines += latex.stacked(row)
    names = ["", "$n$", *COLUMNS.values(), *(title for title, _ in PRICE.values())]
    table = latex.table("lr" + "c" * (len(names) - 2), names, lines or [latex.LEFT_OUT])
    latex.write(out, table)


def _row(runs, experiment, variant):
    own = load.of(runs, variant)
    spirals = ", spirals" if experiment is ON_SPIRALS else ""
    cells = [(experiment.variants[variant].label + spirals, ""), (str(len(own)), "")]
    for metric in COLUMNS:
        found = metrics.mean(own, metric)
        cells.append((latex.fixed(found.value), latex.interval(found, latex.fixed)))
    return cells + [(write(metrics.mean(own, one).value), "") for one, (_, write) in PRICE.items()]


def bottleneck_settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.of_one(results, BOTTLENECK))


def spirals_settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.of_one(results, ON_SPIRALS))
