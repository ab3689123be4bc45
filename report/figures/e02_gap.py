"""Deployment gap of the deep net along training, one panel per relaxed variant."""

from pathlib import Path

from report import load, panels, style
from report.variants import label, relaxed

EXPERIMENT = "e02_deep"


def draw(results: Path, out: Path) -> None:
    frame = load.curves(load.runs(results, EXPERIMENT))
    names = relaxed(EXPERIMENT)
    figure, axes = style.subplots(len(names), style.TEXT, 2.0)
    for axis, variant in zip(axes, names, strict=True):
        rows = frame[frame["variant"] == variant]
        panels.losses(axis, rows)
        _shade(axis, rows)
        axis.set_title(label(EXPERIMENT, variant))
    axes[0].set_ylabel("loss (nats)")
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    style.save(figure, out)


def _shade(axis, rows) -> None:
    """The gap itself: from the median relaxed task loss up to the median deployed loss."""
    medians = rows.groupby("iteration")[["task_loss", "deployed_loss"]].median().dropna()
    if medians.empty:
        return
    axis.fill_between(
        medians.index,
        medians["task_loss"],
        medians["deployed_loss"],
        where=medians["deployed_loss"] >= medians["task_loss"],
        color="0.9",
        linewidth=0,
        zorder=0,
        label="deployment gap",
    )
