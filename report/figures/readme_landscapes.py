"""The README's picture: a 100-layer sigmoid net under backprop's default start and under RAI."""

from pathlib import Path

from report import load, panels, style

EXPERIMENT = "e02_deep"
SHOWN = {
    "bp_default": "Backprop, default start",
    "rai_growing": "RAI, growing hidden weight",
}


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(len(SHOWN), 6, 3.05, "compressed")
    for axis, (variant, name) in zip(axes, SHOWN.items(), strict=True):
        run = load.shown(runs, variant)
        mesh = panels.landscape(axis, run)
        style.title(axis, name, panels.accuracy(run), fontsize=10)
    axes[0].set_ylabel(r"$x_2$", labelpad=0)
    panels.colorbar(figure, mesh, axes)
    style.save(figure, out)
