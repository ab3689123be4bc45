"""Accuracy and deployment gap on mini-batches."""

from pathlib import Path

from report.lib import load, panels, style
from report.studies.e07_minibatch.looks import EXPERIMENT


def accuracy(results: Path, out: Path) -> None:
    """Deployed test accuracy against epochs and against seconds, and the gap."""
    frame = load.curves(load.runs(results, EXPERIMENT))
    frame = frame[frame["epoch"] > 0]
    figure, axes = style.subplots(3, style.TEXT, 2.25, sharey=False)
    axes[1].sharey(axes[0])
    for variant, look in EXPERIMENT.variants.items():
        rows = frame[frame["variant"] == variant]
        rows = rows.assign(gap=rows["during_loss"] - rows["task_loss"])
        line = style.look(look)
        for axis, x, y in zip(
            axes,
            ("epoch", "seconds", "epoch"),
            ("test_accuracy", "test_accuracy", "gap"),
            strict=True,
        ):
            panels.band(axis, rows, x, y, **line)
    axes[0].set(xlabel="epoch", ylabel="deployed test accuracy")
    axes[1].set(xscale="log", xlabel="training time (s)")
    axes[2].set(xlabel="epoch", ylabel="deployment gap (nats)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    style.save(figure, out)
