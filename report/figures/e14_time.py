"""Time of a training step against depth, width and batch, one row of panels a backend."""

from pathlib import Path

from matplotlib.ticker import NullLocator

from report import load, scaling, style


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, scaling.EXPERIMENT)
    figure, axes = style.grid(len(scaling.BACKENDS), len(scaling.DIMENSIONS), style.TEXT, 3.7)
    for row, (backend, name) in zip(axes, scaling.BACKENDS.items(), strict=True):
        frame = scaling.sweep(runs, backend)
        for axis, (dimension, words) in zip(row, scaling.DIMENSIONS.items(), strict=True):
            points = scaling.along(frame, dimension)
            for method in scaling.LABELS:
                times = 1000 * scaling.column(points, method, "seconds")
                axis.plot(points[dimension], times, **style.method(method))
            axis.set(xscale="log", yscale="log", xlabel=words)
            # Matplotlib would write what lies between 32 and 512 as 3 x 10^1, one over the other.
            axis.set_xticks(points[dimension], [f"{value:,g}" for value in points[dimension]])
            axis.xaxis.set_minor_locator(NullLocator())
        row[0].set_ylabel(f"{name}: ms a step")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    style.save(figure, out)
