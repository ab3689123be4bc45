"""Differences to backprop, ranks and reliability of the methods."""

from pathlib import Path

import numpy as np

from report.lib import style, tabular
from report.studies.e05_generalisation import methods
from report.studies.e05_generalisation.looks import METHODS

LABELS = {
    "regression": r"test RMSE against BP (%)",
    "classification": "test accuracy minus BP (points)",
}


def differences(results: Path, out: Path) -> None:
    """Test error of every method against backprop on the same split, by data set."""
    runs = methods.everything(results)
    figure, axes = style.subplots(2, style.TEXT, 3.5, sharey=False)
    sets = (tabular.REGRESSION, tabular.CLASSIFICATION | tabular.IMAGES)
    for axis, known, which in zip(axes, sets, tabular.TOLERANCE, strict=True):
        names = tabular.present(runs, known)
        _panel(axis, runs, names, which)
        axis.set_yticks(range(len(names)), [tabular.TITLES[name] for name in names])
        axis.set_ylim(max(len(names), 1) - 0.5, -0.5)
        axis.set_xlabel(LABELS[which])
        _ticks(axis, which)
    handles = axes[0].get_legend_handles_labels()
    handles = handles if handles[0] else axes[1].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=5)
    style.save(figure, out)


def _panel(axis, runs, names, which):
    """Means and intervals, methods below each other; grey: the tolerance of the claims."""
    bound = tabular.TOLERANCE[which]
    span = (-bound, bound)
    axis.axvspan(*span, color="0.92", zorder=0)
    axis.axvline(0, color="0.5", linewidth=0.6, zorder=1)
    axis.set_xscale("symlog", linthresh=5 if which == "regression" else 2, linscale=1.2)
    axis.minorticks_off()
    for row in range(1, len(names)):
        axis.axhline(row - 0.5, color="0.85", linewidth=0.5, zorder=0)
    found = [name for name in methods.present(runs) if name != "bp"]
    for number, variant in enumerate(found):
        look = style.look(METHODS[variant]) | {"linestyle": "none"}
        for row, name in enumerate(names):
            estimate = tabular.difference(runs, variant, name)
            height = row + 0.72 * ((number + 0.5) / len(found) - 0.5)
            axis.hlines(height, estimate.low, estimate.high, color=look["color"], linewidth=0.9)
            axis.plot(estimate.value, height, markersize=3.5, **(look if not row else _plain(look)))


def _ticks(axis, which):
    """Round numbers within what is drawn, close ones near zero."""
    low, high = axis.get_xlim()
    far = (10, 30, 100, 300, 1000) if which == "regression" else (5, 10, 20)
    positive = (2, 5, *far) if which == "regression" else (1, 2, *far)
    ticks = [tick for tick in (*(-t for t in positive[::-1]), 0, *positive) if low <= tick <= high]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_xlim(low, high)


def _plain(look):
    return {key: value for key, value in look.items() if key != "label"}


def ranks(results: Path, out: Path) -> None:
    """Mean ranks over tables and splits, and how far confidence is from accuracy."""
    runs = methods.everything(results)
    figure, axes = style.subplots(2, style.TEXT, 2.5, sharey=False)
    _ranks(axes[0], runs)
    axes[1].plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    for variant in methods.present(runs):
        count, confidence, right = methods.reliability(runs, variant)
        if count.size:
            look = style.look(METHODS[variant])
            enough = count >= 0.005 * count.sum()
            axes[1].plot(
                confidence[enough],
                right[enough],
                markersize=3,
                linewidth=0.9,
                **{key: look[key] for key in ("color", "linestyle", "marker")},
            )
    axes[1].set(xlabel="confidence", ylabel="accuracy", xlim=(0.3, 1.01), ylim=(0.3, 1.02))
    style.save(figure, out)


def _ranks(axis, runs):
    """Best on top; the bar is as long as Nemenyi's critical difference."""
    mean = methods.mean_ranks(runs)
    names = sorted(mean, key=lambda name: mean[name].value)
    for row, name in enumerate(names):
        look = style.look(METHODS[name])
        axis.hlines(row, mean[name].low, mean[name].high, color=look["color"], linewidth=1.2)
        axis.plot(mean[name].value, row, look["marker"], color=look["color"], markersize=4.5)
    axis.set_yticks(range(len(names)), [METHODS[name].label for name in names])
    axis.set_ylim(len(names) + 0.3, -0.6)
    axis.set_xlabel("mean rank (1: best)")
    length = methods.critical_difference(runs)
    if np.isfinite(length):
        first = mean[names[0]].value
        axis.plot([first, first + length], [len(names) - 0.2] * 2, color="0.3", linewidth=1.5)
        axis.annotate(
            "critical difference",
            (first + length, len(names) - 0.2),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
