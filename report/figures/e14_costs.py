"""Seconds to compile a step and memory of training against depth, one line a method."""

from pathlib import Path

from report import load, scaling, style

ROWS = {
    "compile_seconds": (1.0, "compilation (s)"),
    "bytes": (2.0**-20, "memory added (MiB)"),
}


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, scaling.EXPERIMENT)
    figure, axes = style.grid(len(ROWS), len(scaling.BACKENDS), style.COLUMN, 3.4)
    for row, (quantity, (factor, words)) in zip(axes, ROWS.items(), strict=True):
        for axis, backend in zip(row, scaling.BACKENDS, strict=True):
            points = scaling.along(scaling.sweep(runs, backend), "depth")
            for method in ("backprop", "layerwise", "fused"):
                values = factor * scaling.column(points, method, quantity)
                axis.plot(points["depth"], values, **style.method(method))
            axis.set(xscale="log", yscale="log")
        row[0].set_ylabel(words)
    for axis, name in zip(axes[0], scaling.BACKENDS.values(), strict=True):
        axis.set_title(name)
    for axis in axes[1]:
        axis.set_xlabel(scaling.DIMENSIONS["depth"])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    style.save(figure, out)
