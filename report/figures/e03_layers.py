"""Gradient norms by layer of the deepest nets at four starts, beside the theory of wide layers."""

from pathlib import Path

import numpy as np

from report import gradients, load, style

SHOWN = ("default", "he", "isometric", "large")


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, gradients.EXPERIMENT)
    figure, axes = style.subplots(len(SHOWN), style.TEXT, 2.35, sharey=False)
    for axis, start in zip(axes, SHOWN, strict=True):
        for variant in gradients.ACTIVATIONS:
            _lines(axis, load.of(runs, variant), variant, start)
        axis.set_title(gradients.STARTS[start])
        axis.set_xlabel("layer")
    axes[0].set_ylabel(r"$\log_{10}$ of the gradient's norm")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    style.save(figure, out)


def _lines(axis, runs, variant, start):
    """Median over the runs, their range as a band, and the theory through the last hidden layer."""
    norms = gradients.by_layer(runs, f"{start}_norms")
    layers, middle = np.arange(1, norms.shape[1] + 1), np.median(norms, axis=0)
    look = style.look(gradients.EXPERIMENT, variant) | {"markevery": [0, -1], "markersize": 3}
    (drawn,) = axis.plot(layers, middle, **look)
    low, high = norms.min(axis=0), norms.max(axis=0)
    axis.fill_between(layers, low, high, color=drawn.get_color(), alpha=0.18, linewidth=0)
    if f"{start}_predicted" in runs[0]["curves"]:
        theory = np.median(gradients.by_layer(runs, f"{start}_predicted"), axis=0)
        label = {"label": "theory"} if variant == gradients.ACTIVATIONS[-1] else {}
        axis.plot(layers[:-1], middle[-2] + theory, color="black", linewidth=0.5, **label)
