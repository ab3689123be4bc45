"""Gradient norms by layer at the start and along training, and the cliff."""

from pathlib import Path

import numpy as np

from report.lib import load, metrics, style
from report.lib.looks import DASHED
from report.studies.e03_gradients.looks import ACTIVATIONS, EXPERIMENT, FITS, STARTS

DESCENTS = {"plain": (1, DASHED, "^", "descent"), "clipped": (2, "solid", "o", "clipped")}
FOUR_STARTS = ("default", "he", "isometric", "large")
LOWEST, HIGHEST = -8, 0


def cliff(results: Path, out: Path) -> None:
    """Loss and slope along the weight of a chain that repeats it, and two descents."""
    (run,) = load.of(load.runs(results, EXPERIMENT), "cliff")[:1]
    curves = run["curves"]
    figure, axes = style.subplots(3, style.TEXT, 1.95, sharey=False)
    axes[0].plot(curves["weight"], curves["loss"], color="black")
    axes[0].set(xlabel="weight", ylabel="loss")
    axes[1].plot(curves["weight"], np.array(curves["slope"], dtype=float), color="black")
    axes[1].set(xlabel="weight", ylabel="size of the slope", yscale="log")
    for name, (colour, line, marker, words) in DESCENTS.items():
        look = {"color": style.PALETTE[colour], "linestyle": line, "label": words}
        look |= {"marker": marker, "markevery": [-1], "markersize": 4}
        axes[2].plot(np.array(curves[f"{name}_weight"], dtype=float), **look)
    axes[2].set(xlabel="iteration", ylabel="weight")
    axes[2].legend()
    style.save(figure, out)


def layers(results: Path, out: Path) -> None:
    """Norms by layer of the deepest nets at four starts, beside the theory of wide layers."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(len(FOUR_STARTS), style.TEXT, 2.35, sharey=False)
    for axis, start in zip(axes, FOUR_STARTS, strict=True):
        for variant in ACTIVATIONS:
            _lines(axis, load.of(runs, variant), variant, start)
        axis.set_title(STARTS[start])
        axis.set_xlabel("layer")
    axes[0].set_ylabel(r"$\log_{10}$ of the gradient's norm")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    style.save(figure, out)


def _lines(axis, runs, variant, start):
    """Median over the runs, their range as a band, and the theory through the last hidden layer."""
    norms = metrics.curves(runs, f"{start}_norms")
    numbers, middle = np.arange(1, norms.shape[1] + 1), np.median(norms, axis=0)
    look = style.look(EXPERIMENT.variants[variant]) | {"markevery": [0, -1], "markersize": 3}
    (drawn,) = axis.plot(numbers, middle, **look)
    low, high = norms.min(axis=0), norms.max(axis=0)
    axis.fill_between(numbers, low, high, color=drawn.get_color(), alpha=0.18, linewidth=0)
    if f"{start}_predicted" in runs[0]["curves"]:
        theory = np.median(metrics.curves(runs, f"{start}_predicted"), axis=0)
        label = {"label": "theory"} if variant == ACTIVATIONS[-1] else {}
        axis.plot(numbers[:-1], middle[-2] + theory, color="black", linewidth=0.5, **label)


def training(results: Path, out: Path) -> None:
    """Norms by layer along training, as colour: backprop at two starts and RAI, sigmoid."""
    runs = load.of(load.runs(results, EXPERIMENT), "sigmoid")
    figure, axes = style.subplots(len(FITS), style.TEXT, 2.2)
    for axis, (fit, words) in zip(axes, FITS.items(), strict=True):
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
    norms = metrics.curves(runs, f"{fit}_by_step")
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
