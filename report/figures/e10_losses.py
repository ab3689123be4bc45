"""Training loss of the MNIST autoencoder against epochs and against seconds, all methods."""

from pathlib import Path

from report import load, panels, style

EXPERIMENT = "e10_mnist"


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(2, style.TEXT, 3.4)
    if runs:
        for axis, across in zip(axes, ("epoch", "seconds"), strict=True):
            panels.training_loss(axis, runs, EXPERIMENT, across)
    axes[0].set_ylabel("training loss (nats per image)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    style.save(figure, out)
