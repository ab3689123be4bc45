"""Errors of one hidden layer against its width."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import LogLocator

from report.lib import load, metrics, style
from report.lib.looks import DASHED
from report.studies.e13_approximation.looks import EXPERIMENT, NORMS, TARGETS, dimensions


def errors(results: Path, out: Path) -> None:
    """By target, norm and dimension; lines are activations and fits."""
    runs = load.runs(results, EXPERIMENT)
    rows, columns = dimensions(runs), [(target, norm) for target in TARGETS for norm in NORMS]
    figure, axes = style.grid(len(rows), len(columns), style.TEXT, 4.3, sharey=False)
    for row, dimension in zip(axes, rows, strict=True):
        for axis, (target, norm) in zip(row, columns, strict=True):
            for variant in EXPERIMENT.variants:
                _lines(axis, load.of(runs, variant), variant, f"{target}_d{dimension}_{norm}")
            _logarithmic(axis)
        row[0].set_ylabel(rf"$d={dimension}$")
    _construction(axes[0, 0], load.of(runs, "relu")[0])
    for axis, (target, norm) in zip(axes[0], columns, strict=True):
        style.title(axis, target, NORMS[norm], fontsize=7.5)
    for axis in axes[-1]:
        axis.set_xlabel("width", labelpad=1)
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4)
    style.save(figure, out)


def _lines(axis, runs, variant, name):
    """Medians over the runs; the solved ones with their range."""
    look = style.look(EXPERIMENT.variants[variant])
    colour, words = look["color"], look["label"]
    for fit, key in (("solved", "widths"), ("trained", "trained_widths")):
        widths, values = runs[0]["settings"][key], metrics.curves(runs, f"{fit}_{name}")
        style_ = {"color": colour, "linewidth": 1.0, "label": f"{words}, {fit}"}
        style_ |= {"linestyle": "solid"} if fit == "solved" else {"linestyle": DASHED}
        mark = {"marker": look["marker"], "markersize": 2.5} if fit == "trained" else {}
        axis.plot(widths, np.median(values, axis=0), **style_, **mark)
        low, high = values.min(axis=0), values.max(axis=0)
        axis.fill_between(widths, low, high, color=colour, alpha=0.15, linewidth=0)


def _logarithmic(axis):
    """Both axes; a range below two decades is marked at 1, 2 and 5."""
    axis.set(xscale="log", yscale="log")
    axis.set_xticks([], minor=True)
    axis.tick_params(labelsize=6)
    low, high = axis.get_ylim()
    if high / low < 100:
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("")


def _construction(axis, run):
    """The bound of the interpolant at equal knots, in one dimension and the largest error."""
    bound = run["curves"]["bound"]
    look = {"color": "black", "linewidth": 0.7, "linestyle": (0, (1, 1))}
    axis.plot(run["settings"]["widths"], bound, label="ReLU, construction's bound", **look)
