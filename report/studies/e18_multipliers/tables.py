"""Every method at every depth: what it reaches, how near backprop it is, and what it costs."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.studies.e18_multipliers.looks import DEPTHS, EXPERIMENT, METHODS, TRAINED

COLUMNS = {
    "test_accuracy": ("test accuracy", latex.fixed),
    "train_accuracy": ("training accuracy", latex.fixed),
    "deployment_gap": ("gap", lambda value: latex.fixed(value, 2)),
    "cosine_first": ("first", lambda value: latex.fixed(value, 2)),
    "cosine_middle": ("middle", lambda value: latex.fixed(value, 2)),
    "cosine_last": ("last", lambda value: latex.fixed(value, 2)),
    "cosine_all": ("all", lambda value: latex.fixed(value, 2)),
}
PRICE = {  # without an interval
    "learning_rate": ("rate", latex.significant),
    "hidden_weight": ("weight", latex.significant),
    "critical_path": ("path", latex.integer),
    "step_milliseconds": ("ms", latex.significant),
}


def depth(results: Path, out: Path) -> None:
    """Groups of rows by depth."""
    runs = load.runs(results, EXPERIMENT)
    lines: list[str] = []
    for layers in DEPTHS:
        rows = [_row(runs, name, layers) for name in TRAINED if layers in TRAINED[name]]
        found = [row for row in rows if row]
        lines += [r"\midrule"] if lines and found else []
        for row in found:
            lines += latex.stacked(row)
    names = ["", "$n$", *(title for title, _ in (COLUMNS | PRICE).values())]
    table = latex.table("lr" + "c" * (len(names) - 2), names, lines or [latex.LEFT_OUT])
    latex.write(out, table)


def _row(runs, name, layers):
    own = load.of(runs, f"{name}_{layers}")
    if not own:
        return []
    label = METHODS[name.removesuffix("_default")][0]
    label += ", Keras' initialisation" if name.endswith("_default") else ""
    cells = [(f"{layers}: {label}", ""), (str(len(own)), "")]
    for metric, (_, write) in COLUMNS.items():
        found = metrics.mean(own, metric)
        cells.append((write(found.value), latex.interval(found, write)))
    return cells + [(write(metrics.mean(own, one).value), "") for one, (_, write) in PRICE.items()]
