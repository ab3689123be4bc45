"""Decision landscapes of the deep net under all variants."""

from pathlib import Path

from report import load, panels, style
from report.variants import VARIANTS, label

EXPERIMENT = "e02_deep"


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(len(VARIANTS[EXPERIMENT]), style.TEXT, 1.85, "compressed")
    for axis, variant in zip(axes, VARIANTS[EXPERIMENT], strict=True):
        run = load.shown(runs, variant)
        mesh = panels.landscape(axis, run)
        style.title(axis, label(EXPERIMENT, variant), panels.accuracy(run))
    axes[0].set_ylabel(r"$x_2$", labelpad=0)
    panels.colorbar(figure, mesh, axes)
    style.save(figure, out)
