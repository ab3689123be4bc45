"""Accuracy and deployment gap on mini-batches."""

from pathlib import Path

from report.lib import load, panels, style
from report.studies.e07_minibatch.looks import EXPERIMENT


def accuracy(results: Path, out: Path) -> None:
    """Deployed test accuracy and the gap against epochs."""
    frame = load.curves(load.runs(results, EXPERIMENT))
    frame = frame[frame["epoch"] > 0]
    frame = frame.assign(gap=frame["during_loss"] - frame["task_loss"])
    figure, axes = style.subplots(2, style.COLUMN, 2.6, sharey=False)
    for variant, look in EXPERIMENT.variants.items():
        rows, line = frame[frame["variant"] == variant], style.look(look)
        for axis, y in zip(axes, ("test_accuracy", "gap"), strict=True):
            panels.band(axis, rows, "epoch", y, **line)
    for axis, title in zip(axes, ("test accuracy", "deployment gap (nats)"), strict=True):
        axis.set(xlabel="epoch", title=title)
        axis.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    style.save(figure, out)
