"""Test images and what the deployed autoencoders make of them, one block a data set."""

from pathlib import Path

import numpy as np

from report import autoencoders, load, style
from report.variants import label

BEST = "best first-order"
METHODS = {
    "locoprop_s": "LocoProp-S",
    "locoprop_s_closed": "closed form",
    "locoprop_m": "LocoProp-M",
    "inferred": "inferred",
}
SHOWN = 4  # of the images that a run keeps


def draw(results: Path, out: Path) -> None:
    found = autoencoders.present(results)
    blocks = {experiment: _rows(runs) for experiment, runs in found.items()}
    names = ["original", BEST, *METHODS.values()]
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
        best = autoencoders.best_first_order(found[experiment])
        words = label(experiment, best) if best else ""
        style.title(axis, autoencoders.title(found[experiment], experiment), words)
    style.save(figure, out)


def _rows(runs: list[dict]) -> dict[str, np.ndarray]:
    """The originals, and the reconstructions of each method that has kept some."""
    rows = {}
    for variant, name in {autoencoders.best_first_order(runs): BEST, **METHODS}.items():
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
