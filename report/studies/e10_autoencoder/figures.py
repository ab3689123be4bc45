"""The autoencoders' training losses and what they make of test images."""

from pathlib import Path

import numpy as np

from report.lib import latex, load, panels, style
from report.studies.e10_autoencoder import data_sets
from report.studies.e10_autoencoder.looks import METHODS, MNIST

BEST = "best first-order"
RECONSTRUCTED = {
    "locoprop_s": "LocoProp-S",
    "locoprop_s_closed": "closed form",
    "locoprop_m": "LocoProp-M",
    "inferred": "inferred",
}
SHOWN = 4  # of the images that a run keeps


def losses(results: Path, out: Path) -> None:
    """Training loss on MNIST against epochs and against seconds, all methods."""
    runs = load.runs(results, MNIST)
    figure, axes = style.subplots(2, style.TEXT, 3.4)
    if runs:
        for axis, across in zip(axes, ("epoch", "seconds"), strict=True):
            panels.training_loss(axis, runs, MNIST, across)
    axes[0].set_ylabel("training loss (nats per image)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    style.save(figure, out)


def pictures(results: Path, out: Path) -> None:
    """Test images and what the deployed autoencoders make of them, one block a data set."""
    found = data_sets.present(results)
    blocks = {experiment: _rows(runs) for experiment, runs in found.items()}
    names = ["original", BEST, *RECONSTRUCTED.values()]
    figure, axes = style.subplots(max(1, len(found)), style.TEXT, 2.6, "compressed", sharey=False)
    for axis in axes:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for axis, (experiment, rows) in zip(axes, blocks.items(), strict=False):
        blank = np.full_like(next(iter(rows.values())), 255)
        strips = [rows.get(name, blank) for name in names]
        axis.imshow(np.vstack(strips), cmap="gray", vmin=0, vmax=255, aspect="equal")
        height = len(blank)
        if axis is axes[0]:
            axis.set_yticks([(number + 0.5) * height for number in range(len(names))], names)
            axis.tick_params(length=0)
        best = data_sets.best_first_order(found[experiment])
        words = METHODS[best].label if best else ""
        style.title(axis, data_sets.title(found[experiment], experiment), words)
    style.save(figure, out)


def _rows(runs: list[dict]) -> dict[str, np.ndarray]:
    """The originals, and the reconstructions of each method that has kept some."""
    rows: dict[str, np.ndarray] = {}
    best = data_sets.best_first_order(runs)
    names = ({best: BEST} if best else {}) | RECONSTRUCTED
    for variant, name in names.items():
        for run in load.of(runs, variant):
            if run["landscape"] and name not in rows:
                rows["original"] = _strip(run["landscape"], "originals")
                rows[name] = _strip(run["landscape"], "reconstructions")
    return rows or {"original": np.full((1, SHOWN), 255)}


def _strip(kept: dict, name: str) -> np.ndarray:
    """The first images side by side, with a white margin."""
    size = kept["size"]
    images = np.asarray(kept[name][:SHOWN]).reshape(-1, size, size)
    return np.hstack(list(np.pad(images, ((0, 0), (1, 1), (1, 1)), constant_values=255)))


def sets(results: Path, out: Path) -> None:
    """Training loss on the other data sets, one column each."""
    figure, axes = style.grid(2, len(data_sets.OTHERS), style.TEXT, 4.6, sharey=False)
    handles: dict = {}
    for column, experiment in zip(axes.T, data_sets.OTHERS, strict=True):
        runs = load.runs(results, experiment)
        column[0].set_title(data_sets.title(runs, experiment))
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
