"""Time of a training step against depth, width and batch."""

from pathlib import Path

from matplotlib.ticker import NullLocator

from report.lib import load, style
from report.lib.costs import BACKENDS
from report.studies.e14_scaling.looks import DIMENSIONS, EXPERIMENT, METHODS
from report.studies.e14_scaling.sweep import along, column, sweep


def _look(method: str) -> dict:
    return style.look(METHODS[method]) | {"markersize": 3.5}


def time(results: Path, out: Path) -> None:
    """Time of a step against depth, width and batch, one row of panels a backend."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.grid(len(BACKENDS), len(DIMENSIONS), style.TEXT, 3.7)
    for row, (backend, name) in zip(axes, BACKENDS.items(), strict=True):
        frame = sweep(runs, backend)
        for axis, (dimension, words) in zip(row, DIMENSIONS.items(), strict=True):
            points = along(frame, dimension)
            for method in METHODS:
                times = 1000 * column(points, method, "seconds")
                axis.plot(points[dimension], times, **_look(method))
            axis.set(xscale="log", yscale="log", xlabel=words)
            # Matplotlib would write what lies between 32 and 512 as 3 x 10^1, one over the other.
            axis.set_xticks(points[dimension], [f"{value:,g}" for value in points[dimension]])
            axis.xaxis.set_minor_locator(NullLocator())
        row[0].set_ylabel(f"{name}: ms a step")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    style.save(figure, out)
