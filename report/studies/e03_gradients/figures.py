"""Gradients of the lowest layer at the initialisation and along training, and the cliff."""

from pathlib import Path

import numpy as np

from report.lib import load, metrics, style
from report.lib.looks import DASHED
from report.studies.e03_gradients.looks import ACTIVATIONS, EXPERIMENT, FITS, STARTS

# Colour, dashes, marker and words of a descent.
DESCENTS = {"plain": (1, DASHED, "^", "plain"), "clipped": (2, "solid", "o", "clipped")}
NUDGES = {"tanh": 8, "elu": -8}  # points: arctan's line ends between theirs
# What is drawn of an initialisation, from the back to the front: words and marker.
CHANGES = {
    "predicted_rate": (
        "between layers, theory of wide ones",
        {"marker": "|", "color": style.PALETTE[1], "markersize": 11, "markeredgewidth": 1.5},
    ),
    "rate": (
        "between layers",
        {"marker": "o", "color": "white", "markeredgecolor": "0.35", "markersize": 6},
    ),
    "depth_rate": ("with the depth", {"marker": "o", "color": style.PALETTE[0], "markersize": 3}),
}
LOWEST, HIGHEST = -8, 0


def cliff(results: Path, out: Path) -> None:
    """Loss and slope along the weight of a chain that repeats it, and two descents."""
    (run,) = load.of(load.runs(results, EXPERIMENT), "cliff")[:1]
    curves = run["curves"]
    figure, axes = style.subplots(3, style.TEXT, 1.95, sharey=False)
    axes[0].plot(curves["weight"], curves["loss"], color="black")
    axes[0].set(xlabel="weight", ylabel="loss")
    axes[1].plot(curves["weight"], np.array(curves["slope"], dtype=float), color="black")
    axes[1].set(xlabel="weight", ylabel="size of the derivative", yscale="log")
    for name, (colour, line, marker, words) in DESCENTS.items():
        weights = np.array(curves[f"{name}_weight"], dtype=float)
        look = {"color": style.PALETTE[colour], "linestyle": line}
        axes[2].plot(weights, marker=marker, markevery=[-1], markersize=4, **look)
        _name(axes[2], words, len(weights) - 1, weights[-1], look["color"], 5)
    axes[2].set(xlabel="gradient step", ylabel="weight")
    style.save(figure, out)


def slopes(results: Path, out: Path) -> None:
    """The lowest layer's gradient by depth, and its change a layer at every initialisation."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.grid(2, 4, style.TEXT, 2.9, sharey=False)
    for axis in axes[:, 0]:
        axis.remove()
    _by_depth(figure.add_subplot(axes[0, 0].get_gridspec()[:, 0]), runs)
    for axis, start in zip(axes[:, 1:].flat, STARTS, strict=True):
        _changes(axis, runs, start)
    widest = 1.05 * max(np.abs(axis.get_xlim()).max() for axis in axes[:, 1:].flat)
    for axis in axes[:, 1:].flat:
        axis.set_xlim(-widest, widest)
    names = [EXPERIMENT.label(variant) for variant in ACTIVATIONS]
    for axis in axes[:, 1]:
        axis.set_yticks(range(len(names)), names)
    for axis in axes[1, 1:]:
        axis.set_xlabel(r"change of $\log_{10}$ a layer")
    handles, words = axes[0, 1].get_legend_handles_labels()
    figure.legend(handles[::-1], words[::-1], loc="outside lower right", ncols=3)
    style.save(figure, out)


def _by_depth(axis, runs):
    """Medians over the runs from Keras' default, their range as a band; a name at each end."""
    for variant in ACTIVATIONS:
        own = load.of(runs, variant)
        depths, norms = own[0]["curves"]["depth"], metrics.curves(own, "default_first")
        look, middle = style.look(EXPERIMENT.variants[variant]), np.median(norms, axis=0)
        axis.plot(depths, middle, **look | {"markersize": 3})
        low, high = norms.min(axis=0), norms.max(axis=0)
        axis.fill_between(depths, low, high, color=look["color"], alpha=0.18, linewidth=0)
        _name(axis, look["label"], depths[-1], middle[-1], look["color"], NUDGES.get(variant, 0))
    axis.set_title("by depth, " + STARTS["default"])
    axis.set(xlabel="hidden layers", ylabel=r"$\log_{10}$ of the lowest layer's gradient")


def _changes(axis, runs, start):
    """A row an activation: its change with the depth, that between layers, and theory."""
    found = [load.of(runs, variant) for variant in ACTIVATIONS]
    rows = range(len(found))
    for kind, (words, look) in CHANGES.items():
        values = [metrics.mean(own, f"{start}_{kind}").value for own in found]
        axis.plot(values, rows, linestyle="none", label=words, **look)
    for row, own in zip(rows, found, strict=True):
        depth = metrics.mean(own, f"{start}_depth_rate")
        axis.plot([depth.low, depth.high], [row, row], color=style.PALETTE[0], linewidth=1)
    axis.axvline(0, color="0.7", linewidth=0.6, zorder=0)
    axis.grid(axis="y", color="0.9", linewidth=0.5)
    axis.set(title=STARTS[start], ylim=(len(found) - 0.4, -0.6))
    axis.set_yticks(rows, [])


def _name(axis, words, x, y, colour, up=0):
    """Words right of the end of a line, moved up by so many points."""
    axis.annotate(
        words,
        (x, y),
        xytext=(5, up),
        textcoords="offset points",
        va="center",
        fontsize=7,
        color=colour,
        annotation_clip=False,
    )


def training(results: Path, out: Path) -> None:
    """Norms by layer along training, as colour: backprop from two initialisations and RAI."""
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
