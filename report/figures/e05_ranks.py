"""Mean ranks of the methods over tables and splits, and how far confidence is from accuracy."""

from pathlib import Path

import numpy as np

from report import generalisation, style
from report.variants import label


def draw(results: Path, out: Path) -> None:
    runs = generalisation.everything(results)
    figure, axes = style.subplots(2, style.TEXT, 2.5, sharey=False)
    _ranks(axes[0], runs)
    axes[1].plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    for variant in generalisation.methods(runs):
        count, confidence, right = generalisation.reliability(runs, variant)
        if count.size:
            look = style.look(generalisation.TABLES, variant)
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
    ranks = generalisation.mean_ranks(runs)
    names = sorted(ranks, key=lambda name: ranks[name].value)
    for row, name in enumerate(names):
        look = style.look(generalisation.TABLES, name)
        axis.hlines(row, ranks[name].low, ranks[name].high, color=look["color"], linewidth=1.2)
        axis.plot(ranks[name].value, row, look["marker"], color=look["color"], markersize=4.5)
    axis.set_yticks(range(len(names)), [label(generalisation.TABLES, name) for name in names])
    axis.set_ylim(len(names) + 0.3, -0.6)
    axis.set_xlabel("mean rank (1: best)")
    length = generalisation.critical_difference(runs)
    if np.isfinite(length):
        first = ranks[names[0]].value
        axis.plot([first, first + length], [len(names) - 0.2] * 2, color="0.3", linewidth=1.5)
        axis.annotate(
            "critical difference",
            (first + length, len(names) - 0.2),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
