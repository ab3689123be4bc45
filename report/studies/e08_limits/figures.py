"""The limits: accuracies by choice of layers, growing numbers, landscapes with NaN."""

from pathlib import Path

import numpy as np

from report.lib import load, panels, style
from report.studies.e08_limits.estimates import LEVEL
from report.studies.e08_limits.looks import CHOICES, DEEP, EXPERIMENT, NETS

MARKERS = {"relu": "^", "sigmoid": "o"}
LARGEST = np.log10(np.finfo("float32").max)
WITH_LANDSCAPE = ("as_code", "narrow", "growing", "bp")
MISSING = "0.25"  # grey of the cells that are no number


def choices(results: Path, out: Path) -> None:
    """Deployed test accuracy of every run, by which layers are relaxed."""
    frame = load.metrics(load.runs(results, EXPERIMENT))
    figure, axes = style.subplots(2, style.TEXT, 2.2)
    for place, (axis, (net, title)) in enumerate(zip(axes, NETS.items(), strict=True)):
        for row, choice in enumerate(CHOICES):
            values = frame[frame["variant"] == f"{net}_{choice}"]
            if values.empty:
                continue
            accuracies = values["test_accuracy"].to_numpy(dtype=float)
            # A fixed spread, so that equal values are seen as several.
            shift = [0.3 * (k / max(1, len(accuracies) - 1) - 0.5) for k in range(len(accuracies))]
            axis.scatter(
                [row + one for one in shift],
                accuracies,
                s=9,
                color=style.PALETTE[place],
                marker=MARKERS[net],
                linewidths=0,
            )
            axis.hlines(accuracies.mean(), row - 0.3, row + 0.3, color="black", linewidth=1)
        axis.axhline(LEVEL, color="0.55", linewidth=0.6, zorder=0)
        axis.set_xticks(range(len(CHOICES)), CHOICES.values(), rotation=40, ha="right")
        axis.set(title=title, ylim=(0.3, 1.03))
    axes[0].set_ylabel("deployed test accuracy")
    style.save(figure, out)


def growth(results: Path, out: Path) -> None:
    """How numbers grow: largest pre-activation by layer at the end, and along training."""
    runs = load.runs(results, EXPERIMENT)
    figure, (left, right) = style.subplots(2, style.TEXT, 2.3, sharey=False)
    for variant, own in DEEP.items():
        chosen = load.of(runs, variant)
        look = style.look(own)
        _by_layer(left, chosen, look)
        if chosen and own.relaxed:
            panels.band(right, load.curves(chosen), "iteration", "log_size_grid", **look)
    for axis in (left, right):
        axis.axhline(LARGEST, color="0.4", linewidth=0.7, zorder=0)
    left.set(xlabel="layer", ylabel=r"$\log_{10}$ max. $|$pre-activation$|$")
    right.set(xlabel="iteration", ylabel=r"$\log_{10}$ of the largest layer's")
    place = {"transform": left.get_yaxis_transform(), "va": "bottom", "fontsize": 7}
    left.text(0.02, LARGEST, "float32 ends", **place)
    handles = left.get_legend_handles_labels()
    if handles[0]:
        figure.legend(*handles, loc="outside lower center", ncols=4)
    style.save(figure, out)


def _by_layer(axis, chosen: list[dict], look: dict) -> None:
    """Median over the runs with their range, over the landscape."""
    grids = [run["landscape"]["log_size_grid"] for run in chosen if run.get("landscape")]
    sizes = np.array([grid for grid in grids if grid], dtype=float)
    if not len(sizes):
        return
    layers = np.arange(1, sizes.shape[1] + 1)
    axis.plot(layers, np.median(sizes, axis=0), markevery=[-1], markersize=4, **look)
    axis.fill_between(
        layers, sizes.min(axis=0), sizes.max(axis=0), color=look["color"], alpha=0.18, linewidth=0
    )


def landscapes(results: Path, out: Path) -> None:
    """A hundred ReLU layers: RAI in single and in double precision, and backprop."""
    runs = load.runs(results, EXPERIMENT)
    found = [load.of(runs, name)[0] for name in WITH_LANDSCAPE if load.of(runs, name)]
    found = [run for run in found if run.get("landscape") and "classes" in run["landscape"]]
    figure, axes = style.subplots(max(1, len(found) + 1), style.TEXT, 1.95, "compressed")
    mesh = None
    titles = iter(axes)
    for run in found:
        mesh = _panel(next(titles), run, single=True)
        if run["variant"] == "as_code":
            _panel(next(titles), run, single=False)
    for axis in titles:
        axis.set_visible(False)
    axes[0].set_ylabel(r"$x_2$", labelpad=0)
    if mesh is not None:
        panels.colorbar(figure, mesh, axes)
    style.save(figure, out)


def _panel(axis, run: dict, single: bool):
    """Output in single precision with its NaN cells in grey, or the class in double precision."""
    grid = run["landscape"]
    name = "permille" if single else "classes"
    values = np.array(grid[name], dtype=float).reshape(2 * [grid["resolution"]])
    values = values / 1000 if single else values
    ticks = np.linspace(grid["low"], grid["high"], grid["resolution"])
    colours = style.CLASSES.with_extremes(bad=MISSING)
    mesh = axis.pcolormesh(
        ticks,
        ticks,
        np.ma.masked_invalid(values),
        cmap=colours,
        vmin=0,
        vmax=1,
        shading="nearest",
        rasterized=True,
    )
    panels.data(axis)
    panels.square(axis, ticks[0], ticks[-1])
    share = 100 * np.isnan(values).mean()
    words = f"NaN in {share:.0f} % of cells" if single else "the same in float64"
    style.title(axis, EXPERIMENT.label(run["variant"]), words)
    return mesh
