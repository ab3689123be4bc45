"""Very deep nets: test accuracy while training, and the rates and gains that work."""

from pathlib import Path

from report import depth, load, panels, style


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, depth.EXPERIMENT)
    frame = load.curves([run for run in runs if run["variant"] in depth.TRAINED])
    figure, axes = style.subplots(3, style.TEXT, 2.5)
    for variant in depth.TRAINED:
        rows = frame[frame["variant"] == variant]
        look = style.look(depth.EXPERIMENT, variant)
        panels.band(axes[0], rows, "iteration", "test_accuracy", **look)
    axes[0].set(xlabel="iteration", ylabel="deployed test accuracy", ylim=(0.45, 1.02))
    for axis, (name, pair) in zip(axes[1:], depth.LINES.items(), strict=True):
        for variant in pair:
            look = style.look(depth.EXPERIMENT, variant)
            axis.plot(*depth.line(runs, variant), markersize=4, **look)
        axis.set(xlabel="learning rate of the weights" if name == "rates" else "gain of the start")
        axis.legend(loc="lower left" if name == "rates" else "lower center")
    axes[1].set(xscale="log")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    style.save(figure, out)
