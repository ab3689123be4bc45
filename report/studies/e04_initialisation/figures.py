"""The phase diagrams."""

from pathlib import Path

import numpy as np
import seaborn as sns

from report.lib import load, style
from report.studies.e04_initialisation import regions
from report.studies.e04_initialisation.looks import EXPERIMENT, METHODS

COLOURS = {"bp": 0, "rai": 4}


def phases(results: Path, out: Path) -> None:
    """Which gains and rates train the deployed network, by method and depth."""
    runs = load.runs(results, EXPERIMENT)
    found = regions.variants(runs)
    depths = sorted({depth for by_depth in found.values() for depth in by_depth}) or [0]
    figure, axes = style.grid(len(found), len(depths), style.TEXT, 3.5, sharey="col")
    for row, (method, by_depth) in zip(axes, found.items(), strict=True):
        for axis, depth in zip(row, depths, strict=True):
            if depth in by_depth:
                _panel(axis, load.of(runs, by_depth[depth]), COLOURS[method])
            else:
                axis.axis("off")
        row[0].set_ylabel(f"{METHODS[method]}\ngain")
    for axis, depth in zip(axes[0], depths, strict=True):
        axis.set_title(f"{depth} layers")
    for axis in axes[-1]:
        axis.set_xlabel("rate", labelpad=1)
    style.save(figure, out)


def _panel(axis, runs, colour):
    """Share of runs that succeed as fill and as the area of a dot; the rule's gain as a line."""
    gains, rates, share = regions.cells(runs)
    x, y = np.log10(rates), np.arange(len(gains))
    fill = sns.light_palette(style.PALETTE[colour], as_cmap=True)
    axis.pcolormesh(x, y, share, cmap=fill, vmin=0, vmax=1.15, shading="nearest", rasterized=True)
    across, up = np.meshgrid(x, y)
    axis.scatter(across, up, s=9 * share, color="black", linewidths=0, zorder=3)
    axis.axhline(len(gains) // 2, color="0.45", linewidth=0.5, linestyle=(0, (2, 2)), zorder=2)
    axis.set_yticks(y[::2], [f"{gain:.2f}" for gain in gains[::2]])
    whole = [value for value in range(-9, 9) if x[0] <= value + 1e-9 and value - 1e-9 <= x[-1]]
    axis.set_xticks(whole[::2], [rf"$10^{{{value}}}$" for value in whole[::2]])
    axis.spines[["top", "right"]].set_visible(True)
