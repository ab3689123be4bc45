"""How numbers grow: largest pre-activation by layer at the end, and along training."""

from pathlib import Path

import numpy as np

from report import limits, load, panels, style
from report.variants import VARIANTS

LARGEST = np.log10(np.finfo("float32").max)


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, limits.EXPERIMENT)
    figure, (left, right) = style.subplots(2, style.TEXT, 2.3, sharey=False)
    for variant in limits.DEEP:
        chosen = load.of(runs, variant)
        look = style.look(limits.EXPERIMENT, variant)
        _by_layer(left, chosen, look)
        if chosen and VARIANTS[limits.EXPERIMENT][variant].relaxed:
            panels.band(right, load.curves(chosen), "iteration", "log_size_grid", **look)
    for axis in (left, right):
        axis.axhline(LARGEST, color="0.4", linewidth=0.7, zorder=0)
    left.set(xlabel="layer", ylabel=r"$\log_{10}$ max. $|$pre-activation$|$")
    right.set(xlabel="iteration", ylabel=r"$\log_{10}$ of the largest layer's")
    place = {"transform": left.get_yaxis_transform(), "va": "bottom", "fontsize": 7}
    left.text(0.02, LARGEST, "float32 ends", **place)
    handles = left.get_legend_handles_labels()
    if handles[0]:
        figure.legend(*handles, loc="outside lower center", ncols=4)
    style.save(figure, out)


def _by_layer(axis, chosen: list[dict], look: dict) -> None:
    """Median over the runs with their range, over the landscape."""
    grids = [run["landscape"]["log_size_grid"] for run in chosen if run.get("landscape")]
    sizes = np.array([grid for grid in grids if grid], dtype=float)
    if not len(sizes):
        return
    layers = np.arange(1, sizes.shape[1] + 1)
    axis.plot(layers, np.median(sizes, axis=0), markevery=[-1], markersize=4, **look)
    axis.fill_between(
        layers, sizes.min(axis=0), sizes.max(axis=0), color=look["color"], alpha=0.18, linewidth=0
    )
