"""The scaling study: settings, costs of a step at the centre, and every point of the sweep."""

from pathlib import Path

import numpy as np

from report.lib import latex, load, metrics, setting_tables
from report.lib.costs import BACKENDS, QUANTITIES
from report.studies.e14_scaling.looks import DIMENSIONS, EXPERIMENT, METHODS, OPTIMIZERS
from report.studies.e14_scaling.sweep import column
from report.studies.e14_scaling.sweep import sweep as sweep_of

AT_CENTRE = {
    "ratio": "to backprop",
    "floor_ratio": "to products",
    "seconds": "ms a step",
    "first_seconds": "first epoch (s)",
    "rows_bytes": "rows (MiB)",
}
OF_A_POINT = (
    ("backprop", "seconds", "backprop (ms)"),
    ("layerwise", "ratio", "layer by layer"),
    ("fused", "ratio", "fused"),
    ("floor", "ratio", "products"),
    ("fused", "seconds", "fused (ms)"),
)


def settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.of_one(results, EXPERIMENT))


def summary(results: Path, out: Path) -> None:
    """What a step costs at the centre: one row per backend, optimizer, method."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for backend, name in BACKENDS.items():
        for optimizer, title in OPTIMIZERS.items():
            lines += _group(runs, backend, optimizer, f"{name}, {title}")
            lines.append(r"\addlinespace[3pt]")
    header = ["", "", "$n$", *AT_CENTRE.values()]
    latex.write(out, latex.table("llr" + "c" * len(AT_CENTRE), header, lines[:-1]))


def _group(runs: list[dict], backend: str, optimizer: str, title: str) -> list[str]:
    lines: list[str] = []
    for method, look in METHODS.items():
        cells = [(title if not lines else "", ""), (look.label, "")]
        step = metrics.mean(load.of(runs, backend), f"{method}_{optimizer}_seconds")
        cells.append((latex.integer(step.n), ""))
        for quantity in AT_CENTRE:
            found = metrics.mean(load.of(runs, backend), f"{method}_{optimizer}_{quantity}")
            write = QUANTITIES[quantity][0]
            cells.append((write(found.value), latex.interval(found, write)))
        lines += latex.stacked(cells)
    return lines


def sweep(results: Path, out: Path) -> None:
    """Every point: time of backprop's step, and the others' as ratios to it."""
    runs = load.runs(results, EXPERIMENT)
    frames = [sweep_of(runs, backend) for backend in BACKENDS]
    lines, names = [], list(DIMENSIONS)
    for number, point in frames[0].iterrows():
        # In braces: to latex.table a line that starts with a backslash is no row.
        cells = [f"{{{latex.integer(point[name])}}}" for name in names]
        for frame in frames:
            same = frame[(frame[names] == point[names]).all(axis=1)]
            cells += [_cell(same.iloc[:1], method, quantity) for method, quantity, _ in OF_A_POINT]
        lines.append(" & ".join(cells))
        if number == 0:
            lines.append(r"\addlinespace[2pt]")
    width = len(OF_A_POINT)
    heads = [rf"\multicolumn{{{width}}}{{c}}{{{name}}}" for name in BACKENDS.values()]
    rules = rf"\cmidrule(lr){{4-{3 + width}}} \cmidrule(l){{{4 + width}-{3 + 2 * width}}}"
    titles = ["depth", "width", "batch", *[name for _, _, name in OF_A_POINT] * 2]
    header = [rf" & & & {' & '.join(heads)} \\" + f"\n{rules}\n{titles[0]}", *titles[1:]]
    latex.write(out, latex.table("rrr" + "r" * 2 * width, header, lines))


def _cell(row, method: str, quantity: str) -> str:
    """A number, or that it was not run."""
    if row.empty or method in row["not_run"].iloc[0]:
        return "not run"
    value = column(row, method, quantity).iloc[0]
    return QUANTITIES[quantity][0](value) if np.isfinite(value) else latex.NONE
