"""Landscapes of a hundred ReLU layers: RAI in single and in double precision, and backprop."""

from pathlib import Path

import numpy as np

from report import limits, load, panels, style
from report.variants import label

SHOWN = ("as_code", "narrow", "growing", "bp")
MISSING = "0.25"  # grey of the cells that are no number


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, limits.EXPERIMENT)
    found = [load.of(runs, name)[0] for name in SHOWN if load.of(runs, name)]
    found = [run for run in found if run.get("landscape") and "classes" in run["landscape"]]
    figure, axes = style.subplots(max(1, len(found) + 1), style.TEXT, 1.95, "compressed")
    mesh = None
    titles = iter(axes)
    for run in found:
        mesh = _panel(next(titles), run, single=True)
        if run["variant"] == "as_code":
            _panel(next(titles), run, single=False)
    for axis in titles:
        axis.set_visible(False)
    axes[0].set_ylabel(r"$x_2$", labelpad=0)
    if mesh is not None:
        panels.colorbar(figure, mesh, axes)
    style.save(figure, out)


def _panel(axis, run: dict, single: bool):
    """Output in single precision with its NaN cells in grey, or the class in double precision."""
    grid = run["landscape"]
    name = "permille" if single else "classes"
    values = np.array(grid[name], dtype=float).reshape(2 * [grid["resolution"]])
    values = values / 1000 if single else values
    ticks = np.linspace(grid["low"], grid["high"], grid["resolution"])
    colours = style.CLASSES.with_extremes(bad=MISSING)
    mesh = axis.pcolormesh(
        ticks,
        ticks,
        np.ma.masked_invalid(values),
        cmap=colours,
        vmin=0,
        vmax=1,
        shading="nearest",
        rasterized=True,
    )
    panels.data(axis)
    panels.square(axis, ticks[0], ticks[-1])
    share = 100 * np.isnan(values).mean()
    words = f"NaN in {share:.0f} % of cells" if single else "the same in float64"
    style.title(axis, label(limits.EXPERIMENT, run["variant"]), words)
    return mesh
