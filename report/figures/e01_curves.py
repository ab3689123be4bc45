"""Losses of the shallow net along training: deployed network and relaxed path."""

from pathlib import Path

from report import load, panels, style
from report.variants import VARIANTS, label

EXPERIMENT = "e01_shallow"


def draw(results: Path, out: Path) -> None:
    frame = load.curves(load.runs(results, EXPERIMENT))
    figure, axes = style.subplots(len(VARIANTS[EXPERIMENT]), style.TEXT, 1.8)
    for axis, variant in zip(axes, VARIANTS[EXPERIMENT], strict=True):
        panels.losses(axis, frame[frame["variant"] == variant])
        axis.set_title(label(EXPERIMENT, variant))
    axes[0].set_ylabel("loss (nats)")
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    style.save(figure, out)
