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
WITH_INTERVAL = ("test_accuracy", "deployment_gap", "cosine_all")
PRICE = {  # without an interval
    "learning_rate": ("rate", latex.significant),
    "hidden_weight": ("weight", latex.significant),
    "critical_path": ("path", latex.integer),
    "step_milliseconds": ("ms", latex.significant),
}


def by_depth(results: Path, out: Path) -> None:
    """A row for each method: accuracy with its interval, gap and cosine at each depth, and cost."""
    runs = load.runs(results, EXPERIMENT)
    lines: list[str] = []
    for name in TRAINED:
        cells = [(_label(name), "")]
        for metric in ("test_accuracy", "deployment_gap", "cosine_first"):
            write = COLUMNS[metric][1]
            for layers in DEPTHS:
                found = metrics.mean(load.of(runs, f"{name}_{layers}"), metric)
                interval = latex.interval(found, write) if metric == "test_accuracy" else ""
                cells.append((write(found.value), interval))
        for metric in ("critical_path", "step_milliseconds"):
            value = metrics.mean(load.of(runs, f"{name}_{DEPTHS[-1]}"), metric).value
            cells.append((PRICE[metric][1](value), ""))
        lines += latex.stacked(cells)
    depths = [str(layers) for layers in DEPTHS]
    titles = ("test accuracy", "deployment gap", "cosine, first layer")
    header = latex.grouped(titles, depths * len(titles))
    header[0] = header[0].replace(
        r" \\", rf" & \multicolumn{{2}}{{c}}{{{depths[-1]} layers}} \\", 1
    )
    table = latex.table("l" + "c" * 11, [*header, "path", "ms"], lines or [latex.LEFT_OUT])
    latex.write(out, table)


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
    cells = [(f"{layers}: {_label(name)}", ""), (str(len(own)), "")]
    for metric, (_, write) in COLUMNS.items():
        found = metrics.mean(own, metric)
        shown = latex.interval(found, write) if metric in WITH_INTERVAL else ""
        cells.append((write(found.value), shown))
    return cells + [(write(metrics.mean(own, one).value), "") for one, (_, write) in PRICE.items()]


def _label(name: str) -> str:
    label = METHODS[name.removesuffix("_default")][0]
    return label + (", Keras' initialisation" if name.endswith("_default") else "")
