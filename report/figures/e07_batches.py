"""Deployed test accuracy and time of an epoch against the batch size, one line a method."""

from pathlib import Path

import numpy as np

from report import batches, load, style
from report.variants import VARIANTS


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, batches.EXPERIMENT)
    sizes = batches.sizes(runs)
    figure, axes = style.subplots(2, style.TEXT, 2.2, sharey=False)
    place = np.arange(len(sizes))
    for variant in VARIANTS[batches.EXPERIMENT]:
        line = style.look(batches.EXPERIMENT, variant) | {"markersize": 4}
        values = [
            [run["metrics"][f"accuracy_{batches.name(size)}"] for run in load.of(runs, variant)]
            for size in sizes
        ]
        middle = np.array([np.median(own) for own in values])
        axes[0].plot(place, middle, **line)
        low, high = ([pick(own) for own in values] for pick in (np.min, np.max))
        axes[0].fill_between(place, low, high, color=line["color"], alpha=0.15, linewidth=0)
        spent = [batches.seconds(runs, variant, size) for size in sizes]
        axes[1].plot(place, spent, **line)
    for axis in axes:
        axis.set_xticks(place, [batches.name(size) for size in sizes])
        axis.set_xlabel("batch size")
    axes[0].set_ylabel("deployed test accuracy")
    axes[1].set(yscale="log", ylabel="time of an epoch (s)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    style.save(figure, out)
