"""What a perceptron and a small net make of the gates."""

from pathlib import Path

import numpy as np

from report.lib import load, panels, style
from report.studies.e12_mlp.looks import EXPERIMENT, GATES

NETS = {"perceptron": "perceptron", "mlp_two": "2-2-1"}
SHOWN = ("and", "or", "exor")  # the others are these turned round
CODING, LOW, HIGH = "zero_one", -0.6, 1.6
TRUTH = {"and": "0001", "or": "0111", "exor": "0110"}


def gates(results: Path, out: Path) -> None:
    """Decision landscapes of a perceptron and of a net with two hidden units."""
    (run,) = load.of(load.runs(results, EXPERIMENT), "gates")[:1]
    figure, axes = style.grid(len(NETS), len(SHOWN), style.COLUMN, 2.15, "compressed", False)
    for row, (net, label) in zip(axes, NETS.items(), strict=True):
        for axis, gate in zip(row, SHOWN, strict=True):
            mesh = _landscape(axis, run["curves"][f"{net}_{gate}_{CODING}"], TRUTH[gate])
        row[0].set_ylabel(label, labelpad=2)
    for axis, gate in zip(axes[0], SHOWN, strict=True):
        style.title(axis, GATES[gate])
    panels.colorbar(figure, mesh, axes)
    style.save(figure, out)


def _landscape(axis, weights: list, truth: str):
    """The net's output as colour, its boundary as a line, the four inputs as markers."""
    ticks = np.linspace(LOW, HIGH, 61)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    output = 1 / (1 + np.exp(-_logits(weights, grid)))
    mesh = axis.pcolormesh(
        ticks, ticks, output, cmap=style.CLASSES, vmin=0, vmax=1, shading="nearest", rasterized=True
    )
    panels.boundary(axis, ticks, output, colors="black", linewidths=0.8)
    for number, bit in enumerate(truth):
        point, marker = divmod(number, 2), {"0": "o", "1": "^"}[bit]
        look = panels.SCATTER | {"s": 18, "color": panels.DARK[int(bit)]}
        axis.scatter(*point, marker=marker, **look)
    axis.set(xticks=(0, 1), yticks=(0, 1), xlim=(LOW, HIGH), ylim=(LOW, HIGH))
    axis.set_aspect("equal")
    axis.spines[["top", "right"]].set_visible(True)
    return mesh


def _logits(weights: list, points: np.ndarray) -> np.ndarray:
    """Output before the sigmoid of tanh layers and a linear one; kernels and biases in turn."""
    value = points
    arrays = [np.asarray(weight, dtype=float) for weight in weights]
    for number in range(0, len(arrays), 2):
        value = value @ arrays[number] + arrays[number + 1]
        value = np.tanh(value) if number + 2 < len(arrays) else value
    return value[..., 0]
