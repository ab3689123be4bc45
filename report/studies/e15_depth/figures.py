"""Very deep nets while they train, and where they do."""

from pathlib import Path

from report.lib import load, panels, style
from report.studies.e15_depth.looks import EXPERIMENT, GAINS, RATES, TRAINED


def accuracy(results: Path, out: Path) -> None:
    """Test accuracy while training, and the rates and gains that work."""
    runs = load.runs(results, EXPERIMENT)
    frame = load.curves([run for run in runs if run["variant"] in TRAINED])
    figure, axes = style.subplots(3, style.TEXT, 2.5)
    for variant, look in TRAINED.items():
        rows = frame[frame["variant"] == variant]
        panels.band(axes[0], rows, "iteration", "test_accuracy", **style.look(look))
    axes[0].set(xlabel="iteration", ylabel="deployed test accuracy", ylim=(0.45, 1.02))
    _line(axes[1], runs, RATES, "lower left")
    _line(axes[2], runs, GAINS, "lower center")
    axes[1].set(xlabel="learning rate of the weights", xscale="log")
    axes[2].set(xlabel="gain of the start")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    style.save(figure, out)


def _line(axis, runs: list[dict], variants: dict, legend: str) -> None:
    """Mean test accuracy over runs at each setting."""
    for variant, look in variants.items():
        curves = [run["curves"] for run in load.of(runs, variant)]
        values = zip(*(one["test_accuracy"] for one in curves), strict=True)
        means = [sum(each) / len(each) for each in values]
        axis.plot(curves[0]["setting"], means, markersize=4, **style.look(look))
    axis.legend(loc=legend)
