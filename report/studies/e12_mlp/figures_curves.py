"""Curves of the topics: one figure of eight panels."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from report.lib import load, style
from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, SPARSE, TWODOT
from report.studies.e12_mlp import topics
from report.studies.e12_mlp.looks import EXPERIMENT, METHODS, RULES

LINES = ("solid", DASHED, DASHDOT, DOTTED, LONG, TWODOT, SPARSE)
SMALL = {"fontsize": 5.5, "handlelength": 2.2, "labelspacing": 0.2, "borderaxespad": 0.1}


def curves(results: Path, out: Path) -> None:
    """Rules, batches, gradient noise, pruning, damping, second order, penalties."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.grid(2, 4, style.TEXT, 4.1, sharey=False)
    _rules(axes[0, 0], load.of(runs, "rules"), "a  rules, mini-batches")
    _rules(axes[0, 1], load.of(runs, "rules_full"), "b  rules, full batches")
    _sizes(axes[0, 2], load.of(runs, "batches"))
    _noise(axes[0, 3], load.of(runs, "batches"))
    _pruned(axes[1, 0], load.of(runs, "pruning"))
    _damping(axes[1, 1], load.of(runs, "second_order"))
    _second(axes[1, 2], load.of(runs, "second_order"))
    _penalties(axes[1, 3], load.of(runs, "regularisation"))
    style.save(figure, out)


def _look(number: int) -> dict:
    """Colour and dashes of the number-th line of a panel."""
    return {"color": style.PALETTE[number], "linestyle": LINES[number], "linewidth": 1}


def _finish(axis, title: str, x: str, y: str, legend: dict | None = None, **settings) -> None:
    """Title, labels and legend of a panel."""
    axis.set(xlabel=x, ylabel=y, **settings)
    axis.set_title(title, fontsize=7.5, loc="left")
    axis.xaxis.labelpad = axis.yaxis.labelpad = 1
    if legend is not None:
        axis.legend(**SMALL | legend)


def _halves(axis) -> None:
    """Labels at half decades, for logarithmic axes over less than two."""
    axis.set_major_locator(LogLocator(subs=(1, 3)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _rules(axis, runs: list[dict], title: str) -> None:
    for number, (name, label) in enumerate(RULES.items()):
        _band(axis, runs, "steps", f"{name}_loss", label=label, **_look(number))
    wanted = runs[0]["settings"]["wanted_loss"]
    axis.axhline(wanted, color="0.6", linewidth=0.6, zorder=0)
    legend = {"loc": "upper right"} if title.startswith("a") else None  # b has the same lines
    _finish(axis, title, "step", "training loss (nats)", legend, yscale="log")


def _sizes(axis, runs: list[dict]) -> None:
    labels = {"full": "all examples", "mini": "mini-batches", "single": "single examples"}
    for number, (name, label) in enumerate(labels.items()):
        _band(axis, runs, f"{name}_epoch", f"{name}_loss", label=label, **_look(number))
    _finish(axis, "c  batch sizes", "epoch", "training loss (nats)", {}, yscale="log")
    _halves(axis.yaxis)


def _noise(axis, runs: list[dict]) -> None:
    labels = {"with": "with replacement", "without": "without"}
    for number, (name, label) in enumerate(labels.items()):
        sizes = runs[0]["curves"]["sizes"]
        found, theory = (
            np.median([run["curves"][f"{name}_{what}"] for run in runs], axis=0)
            for what in ("replacement", "theory")
        )
        colour = style.PALETTE[number]
        axis.plot(sizes, found, "o^"[number], color=colour, markersize=3, label=label)
        axis.plot(sizes, theory, color=colour, linewidth=0.8, linestyle=LINES[number])
    _finish(
        axis, "d  error of a gradient", "examples in the batch", "relative error",
        {"loc": "lower left"}, xscale="log", yscale="log",
    )  # fmt: skip
    _halves(axis.yaxis)


def _pruned(axis, runs: list[dict]) -> None:
    lines = {
        "tiniest_accuracy_0": "tiniest",
        "tiniest_accuracy_1": "and one pass",
        "tiniest_accuracy_2": "and two",
        "random_accuracy_0": "random",
    }
    for number, (name, label) in enumerate(lines.items()):
        _band(axis, runs, "share", name, label=label, **_look(number))
    _finish(axis, "e  pruning", "share pruned", "test accuracy", {"loc": "lower left"})


def _damping(axis, runs: list[dict]) -> None:
    lines = {
        "end_to_gradient": "to the gradient's",
        "end_to_newton": "to Newton's",
        "start_to_gradient": "to the gradient's, start",
    }
    for number, (name, label) in enumerate(lines.items()):
        for run in runs:  # each has eigenvalues of its own: no band
            curves = run["curves"]
            place = name.partition("_")[0]
            axis.plot(
                curves[f"{place}_damping"], curves[name], alpha=1 if run is runs[0] else 0.2,
                label=label if run is runs[0] else None, **_look(number),
            )  # fmt: skip
    _finish(
        axis, "f  damped Newton", r"damping / $|\lambda|_{\max}$", "angle (degrees)",
        {"loc": "upper right"}, xscale="log", ylim=(0, 180), yticks=(0, 45, 90, 135, 180),
    )  # fmt: skip


def _second(axis, runs: list[dict]) -> None:
    run = runs[0]
    for number, (name, label) in enumerate(METHODS.items()):
        curves = run["curves"]
        axis.plot(
            np.maximum(curves[f"{name}_cost"], 1), curves[f"{name}_length"], label=label,
            **_look(number),
        )  # fmt: skip
    axis.axhline(run["settings"]["wanted_length"], color="0.6", linewidth=0.6, zorder=0)
    _finish(
        axis, "g  second order", "gradients and products", "length of the gradient",
        {"loc": "lower left"}, xscale="log", yscale="log",
    )  # fmt: skip


def _penalties(axis, runs: list[dict]) -> None:
    for number, (name, label) in enumerate({"none": "none", "l1": "L1", "l2": "L2"}.items()):
        _band(axis, runs, "steps", f"{name}_test_loss", label=label, **_look(number))
        stop = topics.estimate(runs, "regularisation", f"{name}_stop_steps").value
        axis.axvline(stop, color=style.PALETTE[number], linewidth=0.6, linestyle=LINES[number])
    legend = {"loc": "upper right"}
    _finish(axis, "h  penalties", "step", "test loss (nats)", legend, ylim=(0.15, 0.7))


def _band(axis, runs: list[dict], x: str, y: str, **line) -> None:
    """Median over the runs of a curve, with their whole range as a band.

    Args:
        axis: the panel.
        runs: runs of one variant, whose curves have the same length.
        x, y: names of curves.
        **line: keywords of the line.
    """
    values = np.array([run["curves"][y] for run in runs], dtype=float)
    across = np.array(runs[0]["curves"][x], dtype=float)
    (drawn,) = axis.plot(across, np.nanmedian(values, axis=0), **line)
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    axis.fill_between(across, low, high, color=drawn.get_color(), alpha=0.15, linewidth=0)
