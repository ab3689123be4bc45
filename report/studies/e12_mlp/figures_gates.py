"""What a perceptron and a small net make of the gates."""

from pathlib import Path

import numpy as np

from report.lib import load, panels, style
from report.studies.e12_mlp.looks import CODINGS, EXPERIMENT, GATES

NETS = {"perceptron": "perceptron", "mlp_two": "2-2-1"}
RANGES = {"zero_one": (-0.6, 1.6), "minus_plus": (-2.2, 2.2)}
LEVELS = {"zero_one": (0, 1), "minus_plus": (-1, 1)}
TRUTH = {"and": "0001", "or": "0111", "nand": "1110", "nor": "1000", "exor": "0110"}


def gates(results: Path, out: Path) -> None:
    """Decision landscapes of a perceptron and of a net with two hidden units on each gate."""
    (run,) = load.of(load.runs(results, EXPERIMENT), "gates")[:1]
    columns = [(coding, gate) for coding in CODINGS for gate in GATES]
    figure, axes = style.grid(len(NETS), len(columns), style.TEXT, 1.62, "compressed", False)
    for row, (net, label) in zip(axes, NETS.items(), strict=True):
        for axis, (coding, gate) in zip(row, columns, strict=True):
            mesh = _landscape(axis, run["curves"][f"{net}_{gate}_{coding}"], coding, gate)
        row[0].set_ylabel(label, labelpad=2)
    for axis, (_, gate) in zip(axes[0], columns, strict=True):
        style.title(axis, GATES[gate], fontsize=7)
    for axis, (coding, _) in zip(axes[1], columns, strict=True):
        axis.set_xlabel(CODINGS[coding], labelpad=2)
    panels.colorbar(figure, mesh, axes)
    style.save(figure, out)


def _landscape(axis, weights: list, coding: str, gate: str):
    """The net's output as colour, its boundary as a line, the four inputs as markers."""
    low, high = RANGES[coding]
    ticks = np.linspace(low, high, 61)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    output = 1 / (1 + np.exp(-_logits(weights, grid)))
    mesh = axis.pcolormesh(
        ticks, ticks, output, cmap=style.CLASSES, vmin=0, vmax=1, shading="nearest", rasterized=True
    )
    panels.boundary(axis, ticks, output, colors="black", linewidths=0.8)
    for number, bit in enumerate(TRUTH[gate]):
        x, y = (LEVELS[coding][number // 2], LEVELS[coding][number % 2])
        marker = {"0": "o", "1": "^"}[bit]
        axis.scatter(x, y, color=panels.DARK[int(bit)], marker=marker, **panels.SCATTER | {"s": 12})
    axis.set(xticks=[], yticks=[], xlim=(low, high), ylim=(low, high))
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
