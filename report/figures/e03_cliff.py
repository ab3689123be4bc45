"""The cliff: loss and slope along the weight of a chain that repeats it, and two descents."""

from pathlib import Path

import numpy as np

from report import gradients, load, style
from report.variants import DASHED

DESCENTS = {"plain": (1, DASHED, "^", "descent"), "clipped": (2, "solid", "o", "clipped")}


def draw(results: Path, out: Path) -> None:
    (run,) = load.of(load.runs(results, gradients.EXPERIMENT), "cliff")[:1]
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
