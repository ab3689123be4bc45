"""Gradient norms by layer along training, as colour: backprop at two starts and RAI, sigmoid."""

from pathlib import Path

import numpy as np

from report import gradients, load, style

LOWEST, HIGHEST = -8, 0


def draw(results: Path, out: Path) -> None:
    runs = load.of(load.runs(results, gradients.EXPERIMENT), "sigmoid")
    figure, axes = style.subplots(len(gradients.FITS), style.TEXT, 2.2)
    for axis, (fit, words) in zip(axes, gradients.FITS.items(), strict=True):
        mesh = _panel(axis, runs, fit)
        axis.set(title=words, xlabel="training step")
    axes[0].set_ylabel("layer")
    bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=22, fraction=0.04, extend="min")
    bar.set_label(r"$\log_{10}$ of the norm", labelpad=2)
    bar.outline.set_linewidth(0.6)
    style.save(figure, out)


def _panel(axis, runs, fit):
    """The median over the runs; no gradient at all is left white."""
    steps = np.array(runs[0]["curves"][f"{fit}_steps"], dtype=float)
    norms = gradients.by_layer(runs, f"{fit}_by_step")
    middle = np.median(np.where(np.isnan(norms), -np.inf, norms), axis=0).T
    mesh = axis.pcolormesh(
        steps,
        np.arange(1, len(middle) + 1),
        np.ma.masked_invalid(middle),
        cmap="viridis",
        vmin=LOWEST,
        vmax=HIGHEST,
        shading="nearest",
        rasterized=True,
    )
    axis.set_xscale("symlog", linthresh=10, linscale=0.6)
    axis.set_xlim(-0.5, steps[-1])
    ticks = [t for t in (0, 5, 10, 20, 50, 100, 200, 500) if t <= steps[-1]]
    axis.set_xticks(ticks, [str(t) for t in ticks])
    axis.set_xticks([], minor=True)
    axis.yaxis.get_major_locator().set_params(integer=True)
    return mesh
