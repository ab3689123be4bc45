"""Decision boundaries of all runs of the shallow net, overlaid, with their disagreement."""

from pathlib import Path

import numpy as np

from report import load, panels, stats, style
from report.variants import VARIANTS, label

EXPERIMENT = "e01_shallow"


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, EXPERIMENT)
    ticks = load.grid_axis(runs)
    figure, axes = style.subplots(len(VARIANTS[EXPERIMENT]), style.TEXT, 2.2, "compressed")
    for axis, variant in zip(axes, VARIANTS[EXPERIMENT], strict=True):
        grids = load.landscapes(runs, variant)
        panels.data(axis)
        for grid in grids:
            panels.boundary(axis, ticks, grid, colors="black", linewidths=0.7, alpha=0.6)
        panels.square(axis, ticks[0], ticks[-1])
        style.title(axis, label(EXPERIMENT, variant), _percent(stats.disagreement(grids)))
    axes[0].set_ylabel(r"$x_2$", labelpad=0)
    style.save(figure, out)


def _percent(estimate: stats.Estimate) -> str:
    """Disagreement and interval in per cent, as far as the number of runs gives them."""
    if np.isnan(estimate.value):
        return f"disagreement: $n={estimate.n}$"
    text = f"disagree {100 * estimate.value:.1f}%"
    if np.isfinite(estimate.low):
        text += f" [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"
    return text
