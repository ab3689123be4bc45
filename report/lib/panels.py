"""The kinds of panels that several figures share: landscape, boundaries, curves with a band."""

from pathlib import Path

import numpy as np
import pandas as pd

from report.lib import load, style

DARK = ("#00395c", "#6e2c00")  # the darker sisters of the two class colours
SCATTER = {"s": 7, "linewidths": 0.4, "edgecolors": "white", "zorder": 3}


def data(axis) -> None:
    """The training examples; colour and marker tell the class."""
    points, classes = load.moons()
    for value, marker in ((0, "o"), (1, "^")):
        x, y = points[classes == value].T
        axis.scatter(x, y, color=DARK[value], marker=marker, **SCATTER)


def square(axis, low: float = -3, high: float = 3) -> None:
    """Equal axes over the grid's range, framed on all sides."""
    axis.set(xlim=(low, high), ylim=(low, high), xticks=(-2, 0, 2), yticks=(-2, 0, 2))
    axis.set_aspect("equal")
    axis.spines[["top", "right"]].set_visible(True)
    axis.set_xlabel(r"$x_1$", labelpad=1)


def landscape(axis, run: dict):
    """Deployed output as colour, decision boundary as a line, training examples on top."""
    grid, ticks = np.asarray(load.landscape(run)), load.grid_axis([run])
    mesh = axis.pcolormesh(
        ticks, ticks, grid, cmap=style.CLASSES, vmin=0, vmax=1, shading="nearest", rasterized=True
    )
    boundary(axis, ticks, grid, colors="black", linewidths=0.9)
    data(axis)
    square(axis, ticks[0], ticks[-1])
    return mesh


def landscapes(
    runs: list[dict],
    titles: dict[str, str],
    out: Path,
    width: float,
    height: float,
    fontsize: float = 8,
) -> None:
    """A figure of landscapes, each of a variant's first run that has one, and a bar for all.

    Args:
        runs: an experiment's runs.
        titles: of the variants that are shown.
        out: the file to write.
        width, height: of the figure in inches.
        fontsize: of the titles.
    """
    figure, axes = style.subplots(len(titles), width, height, "compressed")
    for axis, (variant, title) in zip(axes, titles.items(), strict=True):
        run = load.shown(runs, variant)
        mesh = landscape(axis, run)
        style.title(axis, title, _accuracy(run), fontsize=fontsize)
    axes[0].set_ylabel(r"$x_2$", labelpad=0)
    colorbar(figure, mesh, axes)
    style.save(figure, out)


def _accuracy(run: dict) -> str:
    """Second line of a landscape's title: the run's deployed test accuracy."""
    value = run["metrics"]["test_accuracy"]
    return "test accuracy " + ("--" if value is None else f"{value:.3f}")


def boundary(axis, ticks: np.ndarray, grid: np.ndarray, **options) -> None:
    """The line on which the deployed output is 1/2, if there is one."""
    if grid.min() < 0.5 < grid.max():
        axis.contour(ticks, ticks, grid, levels=[0.5], **options)


def colorbar(figure, mesh, axes) -> None:
    """One narrow bar for all panels."""
    bar = figure.colorbar(mesh, ax=axes, ticks=[0, 0.5, 1], pad=0.01, aspect=22, fraction=0.04)
    bar.set_label("deployed output", labelpad=2)
    bar.outline.set_linewidth(0.6)


def band(axis, frame: pd.DataFrame, x: str, y: str, **line) -> None:
    """Median over the runs at each recorded iteration, with their whole range as a band.

    Args:
        axis: the panel.
        frame: curves of one variant as `load.curves` gives them.
        x: `iteration` or `seconds` (then its median over the runs).
        y: column that is drawn.
        **line: keywords of the line.
    """
    frame = frame[np.isfinite(frame[y])]
    if frame.empty:
        return
    groups = frame.groupby("iteration")
    across = groups[x].median() if x != "iteration" else groups[x].first()
    (drawn,) = axis.plot(across, groups[y].median(), markevery=[-1], markersize=4, **line)
    axis.fill_between(
        across, groups[y].min(), groups[y].max(), color=drawn.get_color(), alpha=0.18, linewidth=0
    )


def iteration_axis(axis, frame: pd.DataFrame) -> None:
    """Logarithmic in the iterations, with iteration 0 at the left edge."""
    last = frame["iteration"].max()
    axis.set_xscale("symlog", linthresh=1, linscale=0.4)
    ticks = [0] + [10**k for k in range(0, 7) if 10**k <= last]
    axis.set_xticks(ticks, minor=False)
    axis.set_xticks([], minor=True)
    axis.set_xlim(0, last * 1.15)
    axis.set_xlabel("iteration")


def losses(axis, frame: pd.DataFrame) -> None:
    """Deployed loss, relaxed task loss and relaxed objective of one variant over the iterations."""
    for column, (name, color, line) in LOSSES.items():
        band(axis, frame, "iteration", column, label=name, color=color, linestyle=line)
    axis.set_yscale("log")
    axis.set_ylim(bottom=FLOOR)
    axis.axhline(np.log(2), color="0.55", linewidth=0.6, zorder=0)
    iteration_axis(axis, frame)


FLOOR = 1e-6  # single precision would draw forty decades of nothing below it
LOSSES = {
    "deployed_loss": ("deployed loss", style.PALETTE[0], "solid"),
    "task_loss": ("relaxed task loss", style.PALETTE[1], (0, (4, 1.5))),
    "relaxed_loss": ("relaxed loss (task + hidden)", style.PALETTE[2], (0, (1, 1.2))),
}
