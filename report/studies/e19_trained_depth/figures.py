"""Accuracy by depth, on the way through training, and on the spirals."""

from pathlib import Path

import numpy as np

from report.lib import load, metrics, style
from report.studies.e19_trained_depth.looks import (
    BOTTLENECK,
    DEPTHS,
    MARKERS,
    METHODS,
    ON_SPIRALS,
    SPIRALS,
    TRAINED,
)

MARKER = dict(zip(METHODS, MARKERS, strict=True))
ON_THE_WAY = 10  # depth of the panel over training


def trained(results: Path, out: Path) -> None:
    """Test accuracy by depth; against products in a row; on the spirals."""
    runs = load.runs(results, BOTTLENECK)
    figure, axes = style.subplots(3, style.TEXT, 2.5, sharey=False)
    for method in METHODS:
        _by_depth(axes[0], runs, method)
        _by_products(axes[1], runs, method)
    _untrained(axes[0], runs)
    axes[0].set(xscale="log", xlabel="hidden layers", ylabel="test accuracy")
    axes[0].set_xticks(DEPTHS, [f"{one:,}" for one in DEPTHS])
    axes[0].minorticks_off()
    axes[1].set(xscale="log", xlabel="layer products in a row")
    style.title(axes[0], "bottleneck")
    style.title(axes[1], f"bottleneck, {ON_THE_WAY} layers, while training")
    _on_spirals(axes[2], load.runs(results, ON_SPIRALS))
    style.title(axes[2], "spirals")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.get_layout_engine().set(wspace=0.06)
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    style.save(figure, out)


def _by_depth(axis, runs, method):
    found = {d: metrics.mean(load.of(runs, f"{method}_{d}"), "test_accuracy") for d in DEPTHS}
    found = {d: estimate for d, estimate in found.items() if np.isfinite(estimate.value)}
    label, colour = METHODS[method]
    color = style.PALETTE[colour]
    beside = 1.05 ** ([*METHODS].index(method) - len(METHODS) / 2)  # else some hide others
    at, values = [d * beside for d in found], [estimate.value for estimate in found.values()]
    axis.plot(at, values, color=color, marker=MARKER[method], markersize=3, label=label)
    for x, estimate in zip(at, found.values(), strict=True):
        axis.vlines(x, estimate.low, estimate.high, color=color, linewidth=0.9)


def _untrained(axis, runs):
    """What logistic regression reads from the untrained plain nets."""
    found = {d: metrics.mean(load.of(runs, f"bp_{d}"), "readout_accuracy").value for d in DEPTHS}
    axis.plot(
        *zip(*found.items(), strict=True), "--", color="0.5", label="untrained, output fitted"
    )


def _by_products(axis, runs, method):
    """Mean test accuracy against the products that had to follow one another until then."""
    own = load.of(runs, f"{method}_{ON_THE_WAY}") if ON_THE_WAY in TRAINED[method] else []
    if not own:
        return
    steps = np.array(own[0]["curves"]["steps"])
    means = np.mean([run["curves"]["test_accuracy"] for run in own], axis=0)
    axis.plot(
        steps * own[0]["metrics"]["critical_path"],
        means,
        color=style.PALETTE[METHODS[method][1]],
        marker=MARKER[method],
        markevery=[-1],
        markersize=3,
    )


def _on_spirals(axis, runs):
    """A row for each variant: mean, interval, and every run as a small dot."""
    for y, (variant, method) in enumerate(SPIRALS.items()):
        own = load.of(runs, variant)
        found = metrics.mean(own, "test_accuracy")
        color = style.PALETTE[METHODS[method][1]]
        values = [run["metrics"]["test_accuracy"] for run in own]
        axis.plot(values, [y] * len(values), ".", color=color, markersize=2, alpha=0.5)
        axis.hlines(y, found.low, found.high, color=color, linewidth=0.9)
        axis.plot(found.value, y, MARKER[method], color=color, markersize=3)
    axis.set_yticks(range(len(SPIRALS)), [_short(one) for one in SPIRALS], fontsize=6.5)
    axis.invert_yaxis()
    axis.set(xlabel="test accuracy", xlim=(0.45, 1.02))


def _short(variant: str) -> str:
    label, steps = METHODS[SPIRALS[variant]][0], variant.rpartition("_")[2]
    return f"{label}, {steps} steps" if steps.isdigit() else label
