"""The shallow net's decision boundaries and losses."""

from pathlib import Path

import numpy as np

from report.lib import load, panels, stats, style
from report.studies.e01_shallow.looks import EXPERIMENT


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
    """Losses along training under RAI: deployed network and relaxed path."""
    frame = load.curves(load.runs(results, EXPERIMENT))
    names = [name for name, look in EXPERIMENT.variants.items() if look.relaxed]
    figure, axes = style.subplots(len(names), style.COLUMN, 2.1)
    for axis, variant in zip(axes, names, strict=True):
        panels.losses(axis, frame[frame["variant"] == variant])
        axis.set(xscale="log", xlim=(1, None), xlabel="step")
        axis.set_title(EXPERIMENT.label(variant))
    axes[0].set_ylabel("loss (nats)")
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    style.save(figure, out)
