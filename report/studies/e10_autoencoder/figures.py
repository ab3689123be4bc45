"""The autoencoder's training loss against epochs, work and time."""

from pathlib import Path

import numpy as np

from report.lib import load, metrics, style
from report.studies.e10_autoencoder.looks import AUTOENCODER

ACROSS = {
    "epoch": "epoch",
    "gradient_evaluations": "gradient evaluations",
    "seconds": "training time (s)",
}


def losses(results: Path, out: Path) -> None:
    """Training loss above the floor, a line for each method."""
    runs = load.runs(results, AUTOENCODER)
    figure, axes = style.subplots(3, style.TEXT, 3.4)
    for axis, (across, label) in zip(axes, ACROSS.items(), strict=True):
        for variant, look in AUTOENCODER.variants.items():
            own = load.of(runs, variant)
            if own:
                x = np.array(own[0]["curves"][across][1:])
                y = np.exp(np.log(metrics.curves(own, "train_excess")[:, 1:]).mean(axis=0))
                axis.plot(x, y, **style.look(look) | {"markevery": [-1], "markersize": 4})
        axis.set(xscale="log", yscale="log", xlabel=label)
        for formatter in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            formatter("{x:g}")
        axis.tick_params(axis="y", which="minor", labelsize=6)
    axes[0].set_ylabel("nats above the floor")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    style.save(figure, out)
