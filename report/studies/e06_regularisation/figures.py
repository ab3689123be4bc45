"""What each regulariser does."""

from pathlib import Path

import numpy as np
from matplotlib.patches import Rectangle

from report.lib import load, style, tabular
from report.studies.e06_regularisation import gaps
from report.studies.e06_regularisation.looks import EXPERIMENT, title

FULL = {"regression": 3.0, "classification": 5.0}  # full colour: a ratio of RMSEs; points


def gap(results: Path, out: Path) -> None:
    """The difference from backprop without any regulariser, by data set."""
    runs = load.runs(results, EXPERIMENT)
    names, columns = gaps.variants(runs), gaps.columns(runs)
    figure, axes = style.subplots(1, style.TEXT, 3.4)
    axis = axes[0]
    for row, variant in enumerate(names):
        for column, name in enumerate(columns):
            estimate = tabular.difference(runs, variant, name, gaps.BASE)
            _cell(axis, row, column, estimate, tabular.kind(name))
    axis.set_xlim(-0.5, max(len(columns), 1) - 0.5)
    axis.set_ylim(max(len(names), 1) - 0.5, -0.5)
    units = {"regression": r"RMSE, %", "classification": "points"}
    titles = [f"{words}\n({units[tabular.kind(name)]})" for name, words in columns.items()]
    axis.set_xticks(range(len(columns)), titles)
    axis.xaxis.tick_top()
    axis.set_yticks(range(len(names)), [*map(title, names)])
    axis.tick_params(length=0)
    for side in axis.spines.values():
        side.set_visible(False)
    first = next((row for row, name in enumerate(names) if name.startswith("rai")), 0)
    if first:
        axis.axhline(first - 0.5, color="black", linewidth=0.8)
    style.save(figure, out)


def _cell(axis, row, column, estimate, which):
    """Colour and number; a star where the interval lies on one side of zero."""
    share = -estimate.value / FULL[which]
    if which == "regression":
        share = np.log1p(estimate.value / 100) / np.log(FULL[which])
    share = float(np.clip(np.nan_to_num(share), -1, 1))
    colour = style.CLASSES((share + 1) / 2)
    axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=colour, edgecolor="white"))
    # cmr10 has no bold face: a star marks what the interval holds to one side of zero.
    sure = estimate.low > 0 or estimate.high < 0
    text = f"{estimate.value + 0.0:+.1f}" if np.isfinite(estimate.value) else ""
    text = text.replace("-0.0", "0.0").replace("+0.0", "0.0")
    words = f"{text}*" if sure else text
    axis.text(column, row, words, ha="center", va="center", fontsize=7)
