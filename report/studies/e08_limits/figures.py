"""The limits: accuracies by choice of layers, growing numbers, landscapes with NaN."""

from pathlib import Path

import numpy as np

from report.lib import load, panels, style
from report.studies.e08_limits.estimates import LEVEL
from report.studies.e08_limits.looks import CHOICES, DEEP, EXPERIMENT, NETS

MARKERS = {"relu": "^", "sigmoid": "o"}
LARGEST = np.log10(np.finfo("float32").max)
WITH_LANDSCAPE = ("as_code", "narrow", "growing", "bp")
# Lines with a name, and where it stands along them; the others lie on one another.
GROWING = {"as_code": 0.67, "he": 1.0}
OTHERS = {"color": "0.5", "linestyle": "solid", "linewidth": 0.7, "marker": ""}
MISSING = "0.25"  # grey of the cells that are no number


def choices(results: Path, out: Path) -> None:
    """Deployed test accuracy of every run, by which layers are relaxed; the nets side by side."""
    frame = load.metrics(load.runs(results, EXPERIMENT))
    figure, (axis,) = style.subplots(1, style.COLUMN, 2.9)
    for place, (net, title) in enumerate(NETS.items()):
        look = {"color": style.PALETTE[place], "marker": MARKERS[net], "linewidths": 0, "s": 9}
        for row, choice in enumerate(CHOICES):
            found = frame[frame["variant"] == f"{net}_{choice}"]
            if found.empty:
                continue
            accuracies = found["test_accuracy"].to_numpy(dtype=float)
            level = row + (place - 0.5) * 0.4
            # A fixed spread, so that equal values are seen as several.
            shift = [0.3 * (k / max(1, len(accuracies) - 1) - 0.5) for k in range(len(accuracies))]
            axis.scatter(accuracies, [level + one for one in shift], label=title, **look)
            axis.vlines(accuracies.mean(), level - 0.2, level + 0.2, color="black", linewidth=1)
    axis.axvline(LEVEL, color="0.55", linewidth=0.6, zorder=0)
    for row in range(1, len(CHOICES)):
        axis.axhline(row - 0.5, color="0.9", linewidth=0.5, zorder=0)
    axis.set(xlim=(0.4, 1.02), xlabel="deployed test accuracy", ylim=(len(CHOICES) - 0.5, -0.5))
    axis.set_yticks(range(len(CHOICES)), CHOICES.values())
    named = dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(named.values(), named, loc="outside lower center", ncols=2)
    style.save(figure, out)


def growth(results: Path, out: Path) -> None:
    """How numbers grow from layer to layer of the deployed network: the largest pre-activation."""
    runs = load.runs(results, EXPERIMENT)
    figure, (axis,) = style.subplots(1, style.COLUMN, 1.9)
    for variant, own in DEEP.items():
        look = style.look(own) | ({} if variant in GROWING else OTHERS)
        _lines(axis, load.of(runs, variant), look, GROWING.get(variant))
    axis.axhline(LARGEST, color="0.4", linewidth=0.7, zorder=0)
    axis.set(ylim=(-3, 46), yticks=(0, 20, 40), xlabel="layer", ylabel="largest pre-activation")
    axis.set_yticklabels(["$1$", "$10^{20}$", "$10^{40}$"])
    place = {"transform": axis.get_yaxis_transform(), "fontsize": 7}
    axis.text(0.02, LARGEST + 0.8, "single precision ends", va="bottom", **place)
    axis.text(0.98, 5.5, "all others", ha="right", color=OTHERS["color"], **place)
    style.save(figure, out)


def _lines(axis, chosen: list[dict], look: dict, place: float | None) -> None:
    """Median over the runs with their range; its name, if it has a place, beside the line."""
    grids = [run["landscape"]["log_size_grid"] for run in chosen if run.get("landscape")]
    sizes = np.array([grid for grid in grids if grid], dtype=float)
    if not len(sizes):
        return
    layers, middle = np.arange(1, sizes.shape[1] + 1), np.median(sizes, axis=0)
    axis.plot(layers, middle, markevery=[-1], markersize=4, **look)
    low, high = sizes.min(axis=0), sizes.max(axis=0)
    axis.fill_between(layers, low, high, color=look["color"], alpha=0.18, linewidth=0)
    if place is not None:
        at = round(place * (len(layers) - 1))
        where = {"xytext": (-6, 4), "textcoords": "offset points", "ha": "right"}
        spot = layers[at], middle[at]
        axis.annotate(look["label"], spot, fontsize=7.5, color=look["color"], **where)


def landscapes(results: Path, out: Path) -> None:
    """A hundred ReLU layers: RAI in single and in double precision, and backprop."""
    runs = load.runs(results, EXPERIMENT)
    found = [load.of(runs, name)[0] for name in WITH_LANDSCAPE if load.of(runs, name)]
    found = [run for run in found if run.get("landscape") and "classes" in run["landscape"]]
    figure, axes = style.subplots(max(1, len(found) + 1), style.TEXT, 1.8, "compressed")
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
    words = f"NaN in {share:.0f} % of cells" if single else "in double precision"
    style.title(axis, EXPERIMENT.label(run["variant"]), words)
    return mesh
