"""Deployed test accuracy of the deep net against iterations and against seconds."""

from pathlib import Path

from report import load, panels, style
from report.variants import VARIANTS

EXPERIMENT = "e02_deep"


def draw(results: Path, out: Path) -> None:
    frame = load.curves(load.runs(results, EXPERIMENT))
    figure, axes = style.subplots(2, style.TEXT, 2.25)
    for axis, x in zip(axes, ("iteration", "seconds"), strict=True):
        for variant in VARIANTS[EXPERIMENT]:
            rows = frame[(frame["variant"] == variant) & (frame["seconds"] > 0)]
            rows = rows if x == "seconds" else frame[frame["variant"] == variant]
            panels.band(axis, rows, x, "test_accuracy", **style.look(EXPERIMENT, variant))
    panels.iteration_axis(axes[0], frame)
    axes[1].set(xscale="log", xlabel="training time (s)")
    axes[0].set(ylabel="deployed test accuracy", ylim=(None, 1.01))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    style.save(figure, out)
