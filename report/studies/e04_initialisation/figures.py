"""The phase diagrams."""

from pathlib import Path

import numpy as np
from matplotlib.collections import LineCollection

from report.lib import load, style
from report.studies.e04_initialisation import regions
from report.studies.e04_initialisation.looks import BOTH_RATES, DEPTHS, EXPERIMENT, METHODS

FILL = "Blues"  # by lightness, so that it needs no colour
MAJORITY = 0.5


def phases(results: Path, out: Path) -> None:
    """Which gains and rates train the deployed network, by method and depth; RAI's two rates."""
    runs = load.runs(results, EXPERIMENT)
    found = regions.variants(runs)
    both = {depth: variant for depth, variant in BOTH_RATES.items() if load.of(runs, variant)}
    rows = [(f"{METHODS[method]}\nweight gain", by_depth) for method, by_depth in found.items()]
    rows += [(f"{METHODS['rai']}\nrate of the targets", both)] if both else []
    size = style.TEXT, 1.65 * len(rows)
    figure, axes = style.grid(len(rows), len(DEPTHS), *size, sharey=False)
    mesh = None
    for row, (label, by_depth) in zip(axes, rows, strict=True):
        for axis, depth in zip(row, DEPTHS, strict=True):
            if depth not in by_depth:
                axis.axis("off")
                continue
            own = load.of(runs, by_depth[depth])
            mesh = _panel(axis, own)
            if by_depth is found["rai"] and depth in found["bp"]:
                _outline(axis, load.of(runs, found["bp"][depth]))
        row[0].set_ylabel(label)
    for axis, depth in zip(axes[0], DEPTHS, strict=True):
        axis.set_title(f"{depth} hidden layers")
    for axis in axes[-1]:
        axis.set_xlabel("rate of the weights", labelpad=1)
    if mesh is not None:
        bar = figure.colorbar(mesh, ax=axes, pad=0.01, aspect=30, fraction=0.03, ticks=[0, 0.5, 1])
        bar.set_label("share of runs that train")
        bar.outline.set_linewidth(0.6)
    style.save(figure, out)


def _panel(axis, runs: list[dict]):
    """Share of runs that succeed, as fill; the gain of the rule, or the usual rate, as a line."""
    first, rates, share = regions.cells(runs)
    x, y = np.log10(rates), np.arange(len(first))
    mesh = axis.pcolormesh(
        x, y, share, cmap=FILL, vmin=0, vmax=1, shading="nearest", rasterized=True
    )
    axis.axhline(len(first) // 2, color="0.35", linewidth=0.6, linestyle=(0, (2, 2)), zorder=2)
    gains = "gains" in runs[0]["curves"]
    written = [f"{one:.2f}" if gains else f"{one:.1g}" for one in first]
    axis.set_yticks(y[::2], written[::2])
    whole = [value for value in range(-9, 9) if x[0] <= value + 1e-9 and value - 1e-9 <= x[-1]]
    axis.set_xticks(whole[::2], [rf"$10^{{{value}}}$" for value in whole[::2]])
    axis.spines[["top", "right"]].set_visible(True)
    return mesh


def _outline(axis, runs: list[dict]) -> None:
    """Around the cells in which most of these runs succeed, along the cells' edges."""
    _, rates, share = regions.cells(runs)
    x = np.log10(rates)
    step = (x[-1] - x[0]) / max(1, len(x) - 1)
    edges = x[0] + step * (np.arange(len(x) + 1) - 0.5)
    most = np.pad(share > MAJORITY, 1)
    lines = [
        [(edges[i], k - 0.5), (edges[i], k + 0.5)]
        for k, i in np.argwhere(most[1:-1, 1:] != most[1:-1, :-1])
    ]
    lines += [
        [(edges[i], k - 0.5), (edges[i + 1], k - 0.5)]
        for k, i in np.argwhere(most[1:, 1:-1] != most[:-1, 1:-1])
    ]
    axis.add_collection(LineCollection(lines, colors="black", linewidths=1, zorder=3))
