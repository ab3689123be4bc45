"""The shallow net's decision boundaries, losses and landscapes."""

from pathlib import Path

import numpy as np

from report.lib import load, panels, stats, style
from report.studies.e01_shallow.looks import EXPERIMENT

SIDE_BY_SIDE = ("bp", "rai_as_code")


def boundaries(results: Path, out: Path) -> None:
    """Decision boundaries of all runs, overlaid, with their disagreement."""
    runs = load.runs(results, EXPERIMENT)
    ticks = load.grid_axis(runs)
    figure, axes = style.subplots(len(EXPERIMENT.variants), style.TEXT, 2.2, "compressed")
    for axis, variant in zip(axes, EXPERIMENT.variants, strict=True):
        grids = load.landscapes(runs, variant)
        panels.data(axis)
        for grid in grids:
            panels.boundary(axis, ticks, grid, colors="black", linewidths=0.7, alpha=0.6)
        panels.square(axis, ticks[0], ticks[-1])
        style.title(axis, EXPERIMENT.label(variant), _percent(stats.disagreement(grids)))
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


def curves(results: Path, out: Path) -> None:
    """Losses along training: deployed network and relaxed path."""
    frame = load.curves(load.runs(results, EXPERIMENT))
    figure, axes = style.subplots(len(EXPERIMENT.variants), style.TEXT, 1.8)
    for axis, variant in zip(axes, EXPERIMENT.variants, strict=True):
        panels.losses(axis, frame[frame["variant"] == variant])
        axis.set_title(EXPERIMENT.label(variant))
    axes[0].set_ylabel("loss (nats)")
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    style.save(figure, out)


def landscapes(results: Path, out: Path) -> None:
    """Decision landscapes: backprop and RAI side by side."""
    runs = load.runs(results, EXPERIMENT)
    titles = {variant: EXPERIMENT.label(variant) for variant in SIDE_BY_SIDE}
    panels.landscapes(runs, titles, out, style.COLUMN, 1.9)
