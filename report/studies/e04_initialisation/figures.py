"""The phase diagrams."""

from pathlib import Path

import numpy as np
import seaborn as sns

from report.lib import load, style
from report.studies.e04_initialisation import regions
from report.studies.e04_initialisation.looks import BOTH_RATES, EXPERIMENT, METHODS

COLOURS = {"bp": 0, "rai": 4}


def phases(results: Path, out: Path) -> None:
    """Which gains and rates train the deployed network, by method and depth; RAI's two rates."""
    runs = load.runs(results, EXPERIMENT)
    rows = [
        (f"{METHODS[method]}\ngain", COLOURS[method], by_depth)
        for method, by_depth in regions.variants(runs).items()
    ]
    both = {depth: variant for depth, variant in BOTH_RATES.items() if load.of(runs, variant)}
    if both:
        rows.append((f"{METHODS['rai']}\nrate of the targets", COLOURS["rai"], both))
    depths = sorted({depth for _, _, by_depth in rows for depth in by_depth}) or [0]
    figure, axes = style.grid(len(rows), len(depths), style.TEXT, 1.75 * len(rows), sharey=False)
    for row, (label, colour, by_depth) in zip(axes, rows, strict=True):
        for axis, depth in zip(row, depths, strict=True):
            if depth in by_depth:
                _panel(axis, load.of(runs, by_depth[depth]), colour)
            else:
                axis.axis("off")
        row[0].set_ylabel(label)
    for axis, depth in zip(axes[0], depths, strict=True):
        axis.set_title(f"{depth} layers")
    for axis in axes[-1]:
        axis.set_xlabel("rate of the weights", labelpad=1)
    style.save(figure, out)


def _panel(axis, runs, colour):
    """Share of runs that succeed as fill and as the area of a dot; the usual value as a line."""
    first, rates, share = regions.cells(runs)
    x, y = np.log10(rates), np.arange(len(first))
    fill = sns.light_palette(style.PALETTE[colour], as_cmap=True)
    axis.pcolormesh(x, y, share, cmap=fill, vmin=0, vmax=1.15, shading="nearest", rasterized=True)
    across, up = np.meshgrid(x, y)
    axis.scatter(across, up, s=9 * share, color="black", linewidths=0, zorder=3)
    axis.axhline(len(first) // 2, color="0.45", linewidth=0.5, linestyle=(0, (2, 2)), zorder=2)
    gains = "gains" in runs[0]["curves"]
    written = [f"{one:.2f}" if gains else f"{one:.1g}" for one in first]
    axis.set_yticks(y[::2], written[::2])
    whole = [value for value in range(-9, 9) if x[0] <= value + 1e-9 and value - 1e-9 <= x[-1]]
    axis.set_xticks(whole[::2], [rf"$10^{{{value}}}$" for value in whole[::2]])
    axis.spines[["top", "right"]].set_visible(True)
