"""Accuracy and time against the batch size."""

from pathlib import Path

import numpy as np

from report.lib import load, style
from report.studies.e07_batches.looks import EXPERIMENT
from report.studies.e07_batches.sizes import name, seconds, sizes


def batches(results: Path, out: Path) -> None:
    """Deployed test accuracy and time of an epoch, one line a method."""
    runs = load.runs(results, EXPERIMENT)
    all_sizes = sizes(runs)
    figure, axes = style.subplots(2, style.COLUMN, 2.2, sharey=False)
    place = np.arange(len(all_sizes))
    for variant, look in EXPERIMENT.variants.items():
        line = style.look(look) | {"markersize": 4}
        values = [
            [run["metrics"][f"accuracy_{name(size)}"] for run in load.of(runs, variant)]
            for size in all_sizes
        ]
        middle = np.array([np.median(own) for own in values])
        axes[0].plot(place, middle, **line)
        low, high = ([pick(own) for own in values] for pick in (np.min, np.max))
        axes[0].fill_between(place, low, high, color=line["color"], alpha=0.15, linewidth=0)
        if look.relaxed:
            spent = [_times(runs, variant, size) for size in all_sizes]
            axes[1].plot(place, spent, **line)
    for axis in axes:
        axis.set_xticks(place, [name(size) for size in all_sizes])
        axis.set_xlabel("batch size")
    axes[0].set_title("test accuracy")
    axes[1].axhline(1, color=style.PALETTE[0], linewidth=1.2)
    axes[1].set(ylim=(0, None), title="time of an epoch over BP's")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    style.save(figure, out)


def _times(runs: list[dict], variant: str, size: int) -> float:
    """Time of an epoch over that of backprop."""
    return seconds(runs, variant, size) / seconds(runs, "bp", size)
