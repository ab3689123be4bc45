"""Accuracy, deployment gap and alignment with backprop's gradient by depth."""

from pathlib import Path

import numpy as np

from report.lib import load, metrics, style
from report.studies.e18_multipliers.looks import DEPTHS, EXPERIMENT, METHODS, TRAINED

ALIGNED = ("pc_alm", "inferred", "epc", "rows_fresh", "rows")  # held against backprop
DEEP = 30  # depth of the panel by layer
MESSAGE = ("bp", "pc_alm", "inferred")  # drawn heavier: multipliers against penalty, and backprop
HEAVY, LIGHT = 1.8, 0.8  # line widths in points
LOWEST = 0.45  # accuracy of the first panel: an interval of ePC's goes on below


def depth(results: Path, out: Path) -> None:
    """Test accuracy and gap by depth; cosine at the end of training by depth and by layer."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(4, style.TEXT, 2.4, sharey=False)
    for method in METHODS:
        _by_depth(axes[0], runs, method, "test_accuracy")
        if method != "bp":
            _by_depth(axes[1], runs, method, "deployment_gap")
            _by_depth(axes[2], runs, method, "cosine_first")
        if method in ALIGNED:
            _by_layer(axes[3], runs, f"{method}_{DEEP}")
    for axis, title in zip(
        axes, ("test accuracy", "deployment gap", "cosine, first layer"), strict=False
    ):
        axis.set(xscale="log", xlabel="hidden layers")
        axis.set_xticks(DEPTHS, [str(one) for one in DEPTHS])
        axis.minorticks_off()
        style.title(axis, title)
    axes[0].set_ylim(bottom=LOWEST)
    axes[3].set_xlabel("layer")
    style.title(axes[3], f"cosine, {DEEP} layers")
    for axis in axes[2:]:
        axis.axhline(0, color="0.7", linewidth=0.6, zorder=0)
        axis.set_ylim(top=1.05)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    style.save(figure, out)


def _by_depth(axis, runs, method, name):
    found = {d: metrics.mean(load.of(runs, f"{method}_{d}"), name) for d in TRAINED[method]}
    found = {d: estimate for d, estimate in found.items() if np.isfinite(estimate.value)}
    if not found:
        return
    label, colour = METHODS[method]
    color, marker = style.PALETTE[colour], MARKERS[method]
    beside = 1.05 ** ([*METHODS].index(method) - len(METHODS) / 2)  # else some hide others
    at, values = [d * beside for d in found], [estimate.value for estimate in found.values()]
    width = HEAVY if method in MESSAGE else LIGHT
    axis.plot(at, values, color=color, marker=marker, markersize=3, linewidth=width, label=label)
    for x, estimate in zip(at, found.values(), strict=True):
        axis.vlines(x, estimate.low, estimate.high, color=color, linewidth=0.9)


def _by_layer(axis, runs, variant):
    """Mean cosine of each hidden layer and the output at the end of training."""
    own = [run for run in load.of(runs, variant) if run["curves"].get("cosine")]
    if not own:
        return
    last = np.array([run["curves"]["cosine"][-1][:-1] for run in own], dtype=float)
    method = variant.rpartition("_")[0]
    _, colour = METHODS[method]
    layers = np.arange(1, last.shape[1] + 1)
    width = HEAVY if method in MESSAGE else LIGHT
    axis.plot(layers, last.mean(axis=0), color=style.PALETTE[colour], linewidth=width)
    axis.plot(
        layers[-1],
        last.mean(axis=0)[-1],
        MARKERS[method],
        color=style.PALETTE[colour],
        markersize=3,
    )


MARKERS = dict(zip(METHODS, "osD^vP>", strict=True))
