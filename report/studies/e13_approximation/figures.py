"""Errors of one hidden layer against its width."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from report.lib import load, metrics, style
from report.lib.looks import DASHED, DOTTED
from report.studies.e13_approximation.looks import EXPERIMENT

# Panels: title, and the errors in it; the other targets and dimensions are in the table.
PANELS = {
    "smooth, $d=1$: largest error": ["smooth_d1_sup"],
    "kinked, $d=1$: largest error": ["kinked_d1_sup"],
    "kinked, $d=4$: largest error": ["kinked_d4_sup"],
    "step, $d=1$: both errors": ["step_d1_sup", "step_d1_rms"],
}
FITS = {
    "solved": ("widths", "solid", "least squares"),
    "trained": ("trained_widths", DASHED, "trained"),
}


def errors(results: Path, out: Path) -> None:
    """Where the largest error falls, where it does not, and the step that has only the mean."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(len(PANELS), style.TEXT, 2.3, sharey=False)
    for axis, (title, names) in zip(axes, PANELS.items(), strict=True):
        fits = FITS if len(names) == 1 else ["solved"]
        for variant in EXPERIMENT.variants:
            for fit in fits:
                for name in names:
                    _line(axis, load.of(runs, variant), variant, fit, name)
        axis.set_title(title, fontsize=7.5)
        axis.set_xlabel("width", labelpad=1)
        _logarithmic(axis)
    axes[0].set_ylabel("error")
    for words, height in {"largest": 0.72, "r.m.s.": 0.42}.items():
        axes[-1].text(0.98, height, words, ha="right", fontsize=7, transform=axes[-1].transAxes)
    _construction(axes[0], load.of(runs, "relu")[0])
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=4)
    style.save(figure, out)


def _line(axis, runs, variant, fit, name):
    """Median over the runs and their range; trained nets have hollow markers."""
    key, line, words = FITS[fit]
    look = style.look(EXPERIMENT.variants[variant])
    widths, values = runs[0]["settings"][key], metrics.curves(runs, f"{fit}_{name}")
    look |= {"linestyle": line, "linewidth": 1.0, "markersize": 3.5}
    look |= {"label": f"{look['label']}, {words}"}
    look |= {"markerfacecolor": "white"} if fit == "trained" else {}
    axis.plot(widths, np.median(values, axis=0), **look)
    low, high = values.min(axis=0), values.max(axis=0)
    axis.fill_between(widths, low, high, color=look["color"], alpha=0.15, linewidth=0)


def _logarithmic(axis):
    """Both axes; a range below two decades is marked at 1, 2 and 5."""
    axis.set(xscale="log", yscale="log")
    axis.set_xticks([], minor=True)
    low, high = axis.get_ylim()
    if high / low < 100:
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter(NullFormatter())


def _construction(axis, run):
    """The bound of the interpolant at equal knots, in one dimension and the largest error."""
    look = {"color": "black", "linewidth": 1, "linestyle": DOTTED}
    axis.plot(run["settings"]["widths"], run["curves"]["bound"], label="ReLU, bound", **look)
