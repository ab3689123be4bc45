"""Where alphas end: histograms over all penalty weights, and against the weight, by layer."""

from pathlib import Path

import numpy as np

from report import alphas, load, style
from report.variants import label

MARKERS = ("o", "^", "s")
BINS = np.linspace(0, 1, 21)


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, alphas.EXPERIMENT)
    figure, axes = style.grid(2, len(alphas.DRAWN), style.TEXT, 3.3)
    for (above, below), variant in zip(axes.T, alphas.DRAWN, strict=True):
        frame = alphas.nets(runs, variant).dropna()
        _histogram(above, frame)
        for layer in range(len(alphas.LAYERS)):
            rows = frame[frame["layer"] == layer]
            look = {"color": style.PALETTE[layer], "marker": MARKERS[layer], "linewidths": 0}
            shift = 0.0009 * (layer - 1)
            below.scatter(rows["weight"] + shift, rows["final"], s=7, alpha=0.75, **look)
        above.set(title=label(alphas.EXPERIMENT, variant), xlabel=r"final $\alpha$")
        below.set(xlabel=r"penalty weight $\lambda$", ylim=(-0.04, 1.04), xlim=(-0.003, 0.053))
    axes[0, 0].set_ylabel("share of a layer's alphas")
    axes[1, 0].set_ylabel(r"final $\alpha$")
    handles = [
        axes[1, 0].scatter([], [], color=style.PALETTE[k], marker=MARKERS[k], s=12)
        for k in range(len(alphas.LAYERS))
    ]
    words = [f"{name} layer" for name in alphas.LAYERS]
    figure.legend(handles, words, loc="outside lower center", ncols=len(words))
    style.save(figure, out)


def _histogram(axis, frame):
    """Three bars a bin, side by side, each a share of its layer's alphas."""
    width = (BINS[1] - BINS[0]) / len(alphas.LAYERS)
    for layer in range(len(alphas.LAYERS)):
        values = frame[frame["layer"] == layer]["final"]
        counts = np.histogram(values, BINS)[0] / max(1, len(values))
        axis.bar(BINS[:-1] + (layer + 0.5) * width, counts, width, color=style.PALETTE[layer])
