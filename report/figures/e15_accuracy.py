"""Deployed test accuracy of the net of a thousand layers against iterations and seconds."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import load, panels, style
from report.variants import VARIANTS

EXPERIMENT = "e15_thousand"


def draw(results: Path, out: Path) -> None:
    frame = load.curves(load.runs(results, EXPERIMENT))
    figure, axes = style.subplots(2, style.COLUMN, 1.9)
    for axis, x in zip(axes, ("iteration", "seconds"), strict=True):
        for variant in VARIANTS[EXPERIMENT]:
            rows = frame[frame["variant"] == variant]
            rows = rows[rows["seconds"] > 0] if x == "seconds" else rows
            panels.band(axis, rows, x, "test_accuracy", **style.look(EXPERIMENT, variant))
    panels.iteration_axis(axes[0], frame)
    axes[1].set(xscale="log", xlabel="training time (s)")
    axes[0].set(ylabel="deployed test accuracy", ylim=(None, 1.01))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    style.save(figure, out)


if __name__ == "__main__":
    load.main(draw)
