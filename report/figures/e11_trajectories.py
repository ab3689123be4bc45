"""Alphas during training at one penalty weight, every net, coloured by layer."""

from pathlib import Path

import numpy as np

from report import alphas, load, style
from report.variants import DASHED, DOTTED, label

LINES = ("solid", DASHED, DOTTED)


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, alphas.EXPERIMENT)
    figure, axes = style.subplots(len(alphas.DRAWN), style.TEXT, 2.0)
    for axis, variant in zip(axes, alphas.DRAWN, strict=True):
        for run in load.of(runs, variant):
            curves = run["curves"]
            number = int(np.argmin(np.abs(np.subtract(curves["weight"], alphas.SHOWN_WEIGHT))))
            values = np.asarray(curves["alpha"][number], dtype=float)  # (steps, layers)
            for layer, name in enumerate(alphas.LAYERS):
                look = {"color": style.PALETTE[layer], "linestyle": LINES[layer]}
                words = f"{name} layer" if run["seed"] == 0 else None
                thousands = np.asarray(curves["step"]) / 1000
                axis.plot(thousands, values[:, layer], linewidth=0.8, label=words, **look)
        axis.set_title(label(alphas.EXPERIMENT, variant))
        axis.set(xlabel="steps (thousands)", ylim=(-0.03, 1.03))
    axes[0].set_ylabel(r"$\alpha$")
    handles = next((h for a in axes if (h := a.get_legend_handles_labels())[0]), ([], []))
    figure.legend(*handles, loc="outside lower center", ncols=len(alphas.LAYERS))
    style.save(figure, out)
