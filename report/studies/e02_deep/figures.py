"""The deep net's accuracy, deployment gap and landscapes."""

from pathlib import Path

from report.lib import load, panels, style
from report.studies.e02_deep import linear
from report.studies.e02_deep.looks import DRAWN, EXPERIMENT, LONGER


def accuracy(results: Path, out: Path) -> None:
    """Deployed test accuracy against steps, with every long run as coded, and against seconds."""
    runs = load.runs(results, EXPERIMENT)
    frame = load.curves(runs)
    figure, axes = style.subplots(2, style.TEXT, 2.25)
    for axis, x in zip(axes, ("iteration", "seconds"), strict=True):
        for variant, look in DRAWN.items():
            rows = frame[frame["variant"] == variant]
            rows = rows[rows["seconds"] > 0] if x == "seconds" else rows
            panels.band(axis, rows, x, "test_accuracy", **style.look(look))
    for _, run in frame[frame["variant"] == LONGER].groupby("seed"):  # the mean hides two kinds
        color = style.look(EXPERIMENT.variants[LONGER])["color"]
        axes[0].plot(run["iteration"], run["test_accuracy"], color=color, linewidth=0.5)
    for axis in axes:
        axis.axhline(linear.accuracy(runs), color="0.4", linewidth=0.8, linestyle=(0, (2, 2)))
    axes[0].set(xscale="log", xlim=(1, None), xlabel="step")
    axes[1].set(xscale="log", xlabel="training time (s)")
    axes[0].set(ylabel="deployed test accuracy", ylim=(None, 1.01))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    style.save(figure, out)


def gap(results: Path, out: Path) -> None:
    """Deployment gap along training, one panel per relaxed variant."""
    frame = load.curves(load.runs(results, EXPERIMENT))
    names = [name for name, look in DRAWN.items() if look.relaxed]
    figure, axes = style.subplots(len(names), style.TEXT, 2.0)
    for axis, variant in zip(axes, names, strict=True):
        rows = frame[frame["variant"] == variant]
        panels.losses(axis, rows)
        _shade(axis, rows)
        axis.set(xscale="log", xlim=(1, None), xlabel="step")
        axis.set_title(EXPERIMENT.label(variant))
    axes[0].set_ylabel("loss (nats)")
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    style.save(figure, out)


def _shade(axis, rows) -> None:
    """The gap itself: from the median relaxed task loss up to the median deployed loss."""
    medians = rows.groupby("iteration")[["task_loss", "deployed_loss"]].median().dropna()
    if medians.empty:
        return
    axis.fill_between(
        medians.index,
        medians["task_loss"],
        medians["deployed_loss"],
        where=medians["deployed_loss"] >= medians["task_loss"],
        color="0.9",
        linewidth=0,
        zorder=0,
        label="deployment gap",
    )


def landscapes(results: Path, out: Path) -> None:
    """Decision landscapes under all variants."""
    runs = load.runs(results, EXPERIMENT)
    titles = {variant: look.label for variant, look in DRAWN.items()}
    panels.landscapes(runs, titles, out, style.TEXT, 1.85)
