"""Training loss of the other autoencoders against epochs and seconds, one column a data set."""

from pathlib import Path

from report import autoencoders, latex, load, panels, style

EXPERIMENTS = [name for name in autoencoders.SETS if name != "e10_mnist"]


def draw(results: Path, out: Path) -> None:
    figure, axes = style.grid(2, len(EXPERIMENTS), style.TEXT, 4.6, sharey=False)
    handles = {}
    for column, experiment in zip(axes.T, EXPERIMENTS, strict=True):
        runs = load.runs(results, experiment)
        column[0].set_title(autoencoders.title(runs, experiment))
        for axis, across in zip(column, ("epoch", "seconds"), strict=True):
            if runs:
                panels.training_loss(axis, runs, experiment, across)
                drawn, labels = axis.get_legend_handles_labels()
                handles |= dict(zip(labels, drawn, strict=True))
            else:
                axis.set(xticks=[], yticks=[])
                axis.text(0.5, 0.5, latex.LEFT_OUT, ha="center", transform=axis.transAxes)
    for axis in axes[:, 0]:
        axis.set_ylabel("training loss (nats per image)")
    if handles:
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=5)
    style.save(figure, out)
