"""Decision landscapes of the shallow net: backprop and RAI side by side."""

from pathlib import Path

from report import load, panels, style
from report.variants import label

EXPERIMENT = "e01_shallow"
SHOWN = ("bp", "rai_as_code")


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(len(SHOWN), style.COLUMN, 1.9, "compressed")
    for axis, variant in zip(axes, SHOWN, strict=True):
        run = load.shown(runs, variant)
        mesh = panels.landscape(axis, run)
        style.title(axis, label(EXPERIMENT, variant), panels.accuracy(run))
    axes[0].set_ylabel(r"$x_2$", labelpad=0)
    panels.colorbar(figure, mesh, axes)
    style.save(figure, out)
