"""Every point of the scaling study: time of backprop's step, and the others' as ratios to it."""

from pathlib import Path

import numpy as np

from report import latex, load, scaling

COLUMNS = (
    ("backprop", "seconds", "backprop (ms)"),
    ("layerwise", "ratio", "layer by layer"),
    ("fused", "ratio", "fused"),
    ("floor", "ratio", "products"),
    ("fused", "seconds", "fused (ms)"),
)


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, scaling.EXPERIMENT)
    frames = [scaling.sweep(runs, backend) for backend in scaling.BACKENDS]
    lines, names = [], list(scaling.DIMENSIONS)
    for number, point in frames[0].iterrows():
        # In braces: to latex.table a line that starts with a backslash is no row.
        cells = [f"{{{latex.integer(point[name])}}}" for name in names]
        for frame in frames:
            same = frame[(frame[names] == point[names]).all(axis=1)]
            cells += [_cell(same.iloc[:1], method, quantity) for method, quantity, _ in COLUMNS]
        lines.append(" & ".join(cells))
        if number == 0:
            lines.append(r"\addlinespace[2pt]")
    width = len(COLUMNS)
    heads = [rf"\multicolumn{{{width}}}{{c}}{{{name}}}" for name in scaling.BACKENDS.values()]
    rules = rf"\cmidrule(lr){{4-{3 + width}}} \cmidrule(l){{{4 + width}-{3 + 2 * width}}}"
    titles = ["depth", "width", "batch", *[name for _, _, name in COLUMNS] * 2]
    header = [rf" & & & {' & '.join(heads)} \\" + f"\n{rules}\n{titles[0]}", *titles[1:]]
    latex.write(out, latex.table("rrr" + "r" * 2 * width, header, lines))


def _cell(row, method: str, quantity: str) -> str:
    """A number, or that it was not run."""
    if row.empty or method in row["not_run"].iloc[0]:
        return "not run"
    value = scaling.column(row, method, quantity).iloc[0]
    return scaling.QUANTITIES[quantity][0](value) if np.isfinite(value) else latex.NONE
