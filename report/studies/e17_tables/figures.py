"""Errors against backprop's, by method, by length and by training error."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from report.lib import splits, style
from report.studies.e17_tables import compared
from report.studies.e17_tables.looks import CONCRETE, JUDGED, METHODS, TITLES, WINE

BY_LENGTH = ("bp_full", "bp_rprop", "multipliers", "penalty", "growing", "reinitialised")
BY_TRAINING_ERROR = ("bp_full", "multipliers", "reinitialised", "penalty")
PATHS = (CONCRETE, WINE)  # the sets of the right panels
EDGE = 2.0  # of the left panel; ratios beyond it stand there as arrows


def errors(results: Path, out: Path) -> None:
    """Left: all methods at their best point; then errors by length, and test by training error."""
    runs = compared.everything(results)
    figure, axes = style.subplots(4, style.TEXT, 2.5, sharey=False)
    _methods(axes[0], runs)
    _lengths(axes[1], runs)
    for axis, name in zip(axes[2:], PATHS, strict=True):
        _paths(axis, runs, name)
    handles = {
        label: line
        for axis in axes[1:]
        for line, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.get_layout_engine().set(wspace=0.06)
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=6, columnspacing=1
    )
    style.save(figure, out)


def _methods(axis, runs):
    """Means over the judged sets with intervals, the sets as small dots."""
    names = compared.present(runs, JUDGED)
    if not names:
        return
    order = sorted(
        (one for one in compared.methods(runs) if one != compared.BASE),
        key=lambda one: compared.difference(runs, one, names).value,
    )
    axis.axvline(1.0, color="0.5", linewidth=0.6, zorder=0)
    axis.axvspan(1 / 1.02, 1.02, color="0.92", zorder=0)
    axis.set_xscale("log")
    for row, method in enumerate(order):
        color = style.look(METHODS[method])["color"]
        each = [compared.difference(runs, method, [name]).value for name in names]
        within = [one for one in np.exp(each) if one <= EDGE]
        axis.plot(within, [row] * len(within), ".", color=color, alpha=0.45, markersize=3)
        if len(within) < len(each):
            axis.plot(EDGE, row, ">", color=color, alpha=0.45, markersize=2.5, clip_on=False)
        mean = compared.as_ratio(compared.difference(runs, method, names))
        if mean.low < EDGE:
            axis.hlines(row, mean.low, min(mean.high, EDGE), color=color, linewidth=1.2)
        mark = ">" if mean.value > EDGE else "o"
        axis.plot(min(mean.value, EDGE), row, mark, color=color, markersize=3.5, clip_on=False)
    axis.set_yticks(range(len(order)), [METHODS[method].label for method in order])
    axis.set_ylim(len(order) - 0.5, -0.5)
    axis.set_xlabel("test RMSE / BP, full batch")
    axis.set_xlim(right=EDGE)
    _round(axis.xaxis, (0.7, 0.8, 1, 1.2, 1.5, 2))


def _lengths(axis, runs):
    """Errors at the end of each length over the best of `BASE`, where lengths are most."""
    counts = {}
    for name in compared.present(runs, JUDGED):
        for run in compared.by_split(runs, compared.BASE, name).values():
            counts[name] = len(splits.lengths(run))
    names = [name for name, count in counts.items() if count == max(counts.values())]
    for method in BY_LENGTH:
        points = _at_lengths(runs, method, names)
        if points:
            axis.plot(*zip(*points, strict=True), markersize=3, **style.look(METHODS[method]))
    axis.axhline(1.0, color="0.5", linewidth=0.6, zorder=0)
    axis.set(xscale="log", yscale="log", xlabel="steps of a run", ylabel="test RMSE / best of BP")
    _round(axis.xaxis, sorted({x for line in axis.lines[:-1] for x in line.get_xdata()}))
    axis.set_title(", ".join(TITLES[name] for name in names))
    _round(axis.yaxis, (0.8, 0.9, 1, 1.2, 1.5, 2, 3, 5, 7))


def _at_lengths(runs, method, names):
    found: dict[int, list[float]] = {}
    for name in names:
        own, base = (compared.by_split(runs, one, name) for one in (method, compared.BASE))
        for split in own.keys() & base.keys():
            best = base[split]["metrics"]["best_test_rmse"]
            for length in splits.lengths(own[split]):
                error = own[split]["metrics"][f"{length}_test_rmse"]
                found.setdefault(length, []).append(np.log(error / best))
    return [(length, float(np.exp(np.mean(found[length])))) for length in sorted(found)]


def _paths(axis, runs, name):
    """Test against training error on the way, geometric means over splits; a dot at the end."""
    for method in BY_TRAINING_ERROR:
        own = compared.by_split(runs, method, name)
        paths = [splits.path(run) for run in own.values()]
        if paths:
            train, test = np.exp(np.mean(np.log(paths), axis=0))
            look = style.look(METHODS[method]) | {"markevery": [-1], "markersize": 3}
            axis.plot(train, test, **look)
    axis.set(xscale="log", xlabel="training RMSE", ylabel="test RMSE")
    axis.set_title(TITLES[name])
    if not axis.lines:
        return
    low, high = axis.get_ylim()
    axis.set_ylim(low, min(high, 1.5 * low))
    _round(axis.xaxis, [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10) if axis.get_xlim()[0] <= t])


def _round(axis, ticks):
    """Plain numbers at these places and none between."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
