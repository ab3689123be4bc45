"""Deployed test accuracy of every run, by which layers are relaxed."""

from pathlib import Path

from report import limits, load, style
from report.variants import CHOICES

MARKERS = {"relu": "^", "sigmoid": "o"}


def draw(results: Path, out: Path) -> None:
    frame = load.metrics(load.runs(results, limits.EXPERIMENT))
    figure, axes = style.subplots(2, style.TEXT, 2.2)
    for place, (axis, (net, title)) in enumerate(zip(axes, limits.NETS.items(), strict=True)):
        for row, choice in enumerate(CHOICES):
            values = frame[frame["variant"] == f"{net}_{choice}"]
            if values.empty:
                continue
            accuracies = values["test_accuracy"].to_numpy(dtype=float)
            # A fixed spread, so that equal values are seen as several.
            shift = [0.3 * (k / max(1, len(accuracies) - 1) - 0.5) for k in range(len(accuracies))]
            axis.scatter(
                [row + one for one in shift],
                accuracies,
                s=9,
                color=style.PALETTE[place],
                marker=MARKERS[net],
                linewidths=0,
            )
            axis.hlines(accuracies.mean(), row - 0.3, row + 0.3, color="black", linewidth=1)
        axis.axhline(limits.LEVEL, color="0.55", linewidth=0.6, zorder=0)
        axis.set_xticks(range(len(CHOICES)), CHOICES.values(), rotation=40, ha="right")
        axis.set(title=title, ylim=(0.3, 1.03))
    axes[0].set_ylabel("deployed test accuracy")
    style.save(figure, out)
