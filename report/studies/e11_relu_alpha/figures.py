"""Where alphas end, how they get there, and the shares at zero beside the source's."""

from pathlib import Path

import numpy as np

from report.lib import load, style
from report.lib.looks import DASHED, DOTTED
from report.studies.e11_relu_alpha import alphas
from report.studies.e11_relu_alpha.looks import DRAWN, EXPERIMENT, LAYERS

MARKERS, LINES = ("o", "^", "s"), ("solid", DASHED, DOTTED)
BINS = np.linspace(0, 1, 21)
PANELS = {
    "all images": {"code": -0.0004, "document_large": 0.0004, "dip": 0.0},
    "subsample": {"code_small": -0.0004, "document": 0.0004, "long": 0.0},
}
SHOWN_WEIGHT = 0.02  # of the trajectories, as in the source


def finals(results: Path, out: Path) -> None:
    """Histograms over all penalty weights, and final alphas against the weight, by layer."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.grid(2, len(DRAWN), style.TEXT, 3.6)
    for (above, below), variant in zip(axes.T, DRAWN, strict=True):
        frame = alphas.nets(runs, variant).dropna()
        _histogram(above, frame)
        for layer in range(len(LAYERS)):
            rows = frame[frame["layer"] == layer]
            look = {"color": style.PALETTE[layer], "marker": MARKERS[layer], "linewidths": 0}
            shift = 0.0009 * (layer - 1)
            below.scatter(rows["weight"] + shift, rows["final"], s=7, alpha=0.75, **look)
        above.set(title=EXPERIMENT.label(variant), xlabel=r"final $\alpha$")
        below.set(xlabel=r"penalty weight $\lambda$", ylim=(-0.04, 1.04), xlim=(-0.003, 0.053))
    axes[0, 0].set_ylabel("share of a layer's alphas")
    axes[1, 0].set_ylabel(r"final $\alpha$")
    handles = [
        axes[1, 0].scatter([], [], color=style.PALETTE[k], marker=MARKERS[k], s=12)
        for k in range(len(LAYERS))
    ]
    words = [f"{name} layer" for name in LAYERS]
    figure.legend(handles, words, loc="outside lower center", ncols=len(words))
    style.save(figure, out)


def _histogram(axis, frame):
    """Three bars a bin, side by side, each a share of its layer's alphas."""
    width = (BINS[1] - BINS[0]) / len(LAYERS)
    for layer in range(len(LAYERS)):
        values = frame[frame["layer"] == layer]["final"]
        counts = np.histogram(values, BINS)[0] / max(1, len(values))
        axis.bar(BINS[:-1] + (layer + 0.5) * width, counts, width, color=style.PALETTE[layer])


def shares(results: Path, out: Path) -> None:
    """Share of alphas at zero against the penalty weight: protocols and the source's files."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(2, style.TEXT, 2.7)
    for axis, (title, variants) in zip(axes, PANELS.items(), strict=True):
        source = alphas.source()
        percent = [100 * share for share in source.values()]
        axis.plot(list(source), percent, "kx--", linewidth=0.8, label="source's files together")
        for weight, shares in alphas.source_files().items():
            look = {"color": "0.45", "marker": "_", "markersize": 6, "linestyle": "none"}
            places = np.full(len(shares), weight)
            axis.plot(places, 100 * shares, label="source's files one by one", **look)
        for variant, shift in variants.items():
            _points(axis, alphas.shares(runs, variant), shift, variant)
        axis.set(title=title, xlabel=r"penalty weight $\lambda$", ylim=(-4, 104))
    found: dict = {}
    for axis in axes:
        found |= {
            words: line for line, words in zip(*axis.get_legend_handles_labels(), strict=True)
        }
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=4)
    axes[0].set_ylabel(r"alphas at zero (%)")
    style.save(figure, out)


def _points(axis, found, shift, variant):
    """A variant's shares, moved aside a little, with their intervals."""
    look = style.look(EXPERIMENT.variants[variant])
    if variant == "dip":
        look["linestyle"] = "none"
    for number, (weight, share) in enumerate(found.items()):
        axis.vlines(weight + shift, 100 * share.low, 100 * share.high, color=look["color"], lw=0.7)
        if not number:
            x = [weight + shift for weight in found]
            axis.plot(x, [100 * one.value for one in found.values()], markersize=3.5, **look)


def trajectories(results: Path, out: Path) -> None:
    """Alphas during training at one penalty weight, every net, coloured by layer."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(len(DRAWN), style.TEXT, 2.1)
    for axis, variant in zip(axes, DRAWN, strict=True):
        for run in load.of(runs, variant):
            curves = run["curves"]
            number = int(np.argmin(np.abs(np.subtract(curves["weight"], SHOWN_WEIGHT))))
            values = np.asarray(curves["alpha"][number], dtype=float)  # (steps, layers)
            for layer, name in enumerate(LAYERS):
                look = {"color": style.PALETTE[layer], "linestyle": LINES[layer]}
                words = f"{name} layer" if run["seed"] == 0 else None
                thousands = np.asarray(curves["step"]) / 1000
                axis.plot(thousands, values[:, layer], linewidth=0.8, label=words, **look)
        axis.set_title(EXPERIMENT.label(variant))
        axis.set(xlabel="steps (thousands)", ylim=(-0.03, 1.03))
    axes[0].set_ylabel(r"$\alpha$")
    handles: tuple = next((h for a in axes if (h := a.get_legend_handles_labels())[0]), ([], []))
    figure.legend(*handles, loc="outside lower center", ncols=len(LAYERS))
    style.save(figure, out)
