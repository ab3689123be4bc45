"""What C17, C19 and C18 are judged by."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import NullFormatter

from report.lib import load, metrics, style
from report.lib.looks import DASHDOT, DASHED, DOTTED
from report.studies.e12_mlp.looks import EXPERIMENT, RULES

BATCHES = {"rules": ("mini-batches", 0, "o", -0.2), "rules_full": ("full batches", 1, "^", 0.2)}
PRUNED = {
    "tiniest_accuracy_2": (2, DASHDOT, "two passes"),
    "tiniest_accuracy_1": (1, DASHED, "one pass"),
    "tiniest_accuracy_0": (0, "solid", "smallest"),
    "random_accuracy_0": (3, DOTTED, "random"),
}
# Colour, dashes and words; where these stand in the panel, and from which side.
ANGLES = {
    "end_to_gradient": (0, "solid", "to gradient", (0.02, 0.2), "left"),
    "end_to_newton": (1, DASHED, "to Newton", (0.98, 0.2), "right"),
    "start_to_gradient": (4, DOTTED, "to gradient, Hessian indefinite", (0.02, 0.93), "left"),
}


def curves(results: Path, out: Path) -> None:
    """Update rules run by run, pruning by its share, and the angle of the damped step."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(3, style.TEXT, 2.65, sharey=False)
    _rules(axes[0], runs)
    _pruned(axes[1], load.of(runs, "pruning"))
    _damping(axes[2], load.of(runs, "second_order"))
    for letter, axis in zip("abc", axes, strict=True):
        axis.set_title(rf"$\mathit{{{letter}}}$", loc="left")
    style.save(figure, out)


def _rules(axis, runs: list[dict]) -> None:
    """Steps of every rule and run over those of the plain gradient; a bar at their mean."""
    names = [name for name in RULES if name != "gradient"]
    for variant, (words, colour, marker, aside) in BATCHES.items():
        own = load.of(runs, variant)
        for row, name in enumerate(names):
            ratios = metrics.values(own, f"{name}_ratio")
            look = {"color": style.PALETTE[colour], "markersize": 3.5, "markerfacecolor": "none"}
            label = words if row == 0 else None
            axis.plot(ratios, np.full(len(ratios), row + aside), marker, label=label, **look)
            bar = {"markersize": 8, "markeredgewidth": 1.2, "color": "black"}
            axis.plot(np.nanmean(ratios), row + aside, "|", **bar)
    axis.axvline(1, color="0.6", linewidth=0.6, zorder=0)
    axis.set(xscale="log", xlabel="steps over the plain gradient's", ylim=(len(names) - 0.4, -0.6))
    axis.set_xticks([0.2, 0.5, 1], ["0.2", "0.5", "1"])
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_yticks(range(len(names)), [RULES[name] for name in names])
    axis.legend(loc="center left", bbox_to_anchor=(-0.03, 0.42), handletextpad=0)  # no run there


def _pruned(axis, runs: list[dict]) -> None:
    """Test accuracy by the share pruned: medians, the whole range as a band."""
    shares = np.array(runs[0]["curves"]["share"], dtype=float)
    for name, (colour, line, words) in PRUNED.items():
        values, look = metrics.curves(runs, name), style.PALETTE[colour]
        middle = np.median(values, axis=0)
        axis.plot(shares, middle, color=look, linestyle=line)
        low, high = values.min(axis=0), values.max(axis=0)
        axis.fill_between(shares, low, high, color=look, alpha=0.15, linewidth=0)
        place = {"xytext": (3, 0), "textcoords": "offset points", "va": "center"}
        axis.annotate(words, (shares[-1], middle[-1]), color=look, fontsize=7, **place)
    axis.set(xlabel="share of kernel entries pruned", ylabel="test accuracy")
    axis.set(xlim=(0, 1.35), xticks=(0, 0.5, 1))


def _damping(axis, runs: list[dict]) -> None:
    """A line a run, since each has eigenvalues of its own."""
    for name, (colour, line, words, place, side) in ANGLES.items():
        damping = f"{name.partition('_')[0]}_damping"
        for run in runs:
            across, angles = run["curves"][damping], run["curves"][name]
            axis.plot(across, angles, linewidth=0.7, color=style.PALETTE[colour], linestyle=line)
        look = {"color": style.PALETTE[colour], "fontsize": 7, "ha": side}
        axis.text(*place, words, transform=axis.transAxes, **look)
    axis.set(xlabel=r"damping $\alpha$ over $|\lambda|_{\max}$", ylabel="angle (degrees)")
    axis.set(xscale="log", ylim=(0, 150), yticks=(0, 45, 90, 135))
