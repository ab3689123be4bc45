"""The phase diagrams of e04: which cells of a lattice train a deep net.

`Trainer` trains many nets of one depth by one method in one compiled program; `measured` is a run
of the experiment. The lattice and its regions are in `lattice.py`.
"""

import time
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from experiments.common import vectorised
from experiments.common.knobs import Knobs
from experiments.common.moons import dense_net, moons, rai_or_backprop
from experiments.common.scanned_net import copy, scanned
from experiments.e04_initialisation import lattice
from experiments.e04_initialisation.schema import first_axis
from experiments.results import progress
from raikeras.diagnostics import boundary_disagreement
from raikeras.initializers import isometric_start

TOGETHER = 4  # nets trained by one call, one after another
DEFAULTS = ("glorot", "uniform")  # Keras' and PyTorch's


class Cell(NamedTuple):
    """A net to be trained: its start (a gain, or the name of a default) and its rates."""

    start: float | str
    rate: float
    target_rate: float


class Trained(NamedTuple):
    """What became of a net: logits at all points of `points`, accuracy and loss, deployed."""

    logits: np.ndarray
    test_accuracy: float
    train_loss: float


class Trainer:
    """Trains nets that differ in start and rate, as `presets.rai_growing` or backprop with Adam.

    Args:
        settings: The experiment's settings; those of the lattice are not read.
    """

    def __init__(self, settings):
        self.settings = settings
        widths = [2, *[settings["units"]] * settings["depth"], 1]
        self._net = dense_net(widths, "sigmoid")
        # Backprop runs the equal layers as one that loops: the same training, sooner compiled.
        self._twin = scanned(self._net) if settings["method"] == "bp" else None
        knobs = Knobs(rate=1e-3, target_rate=1e-2)
        falling = knobs.falling("target_rate", settings["iterations"])
        chosen = settings | {"target_rate": falling}
        self._model = rai_or_backprop(self._twin or self._net, chosen, knobs)
        self._data = moons(settings)
        self._starts, self._stacked, self._runs = {}, {}, None

    def train(self, cells: list[Cell], seed: int) -> list[Trained]:
        """Trains a net for each cell; the seed is that of the start."""
        found = []
        for first in range(0, len(cells), TOGETHER):
            part = cells[first : first + TOGETHER]
            found += self._outcomes((part + part[-1:] * TOGETHER)[:TOGETHER], seed)[: len(part)]
        return found

    def _outcomes(self, cells, seed) -> list[Trained]:
        x, y, x_test, y_test = self._data
        starts = [self._start(cell.start, seed) for cell in cells]
        rates = [{"rate": cell.rate, "target_rate": cell.target_rate} for cell in cells]
        if self._runs is None:
            self._runs = vectorised.Sweep(self._model, starts, rates, len(x), together=False)
        runs = self._runs
        for start in starts:
            if id(start) not in self._stacked:
                self._stacked[id(start)] = runs.stacked(start)
        runs.restart([self._stacked[id(start)] for start in starts], rates)
        runs.train(x, y, vectorised.full_batch(len(cells), self.settings["iterations"], len(x)))
        logits = runs.outputs(np.concatenate([x, x_test, points(self.settings)]))[..., 0]
        train, test = slice(len(x)), slice(len(x), len(x) + len(x_test))
        right = (logits[:, test] > 0) == (y_test[:, 0] > 0.5)
        signed = np.where(y[:, 0] > 0.5, -1, 1) * logits[:, train].astype("float64")
        loss = np.logaddexp(0, signed).mean(axis=1)
        return [
            Trained(*one) for one in zip(logits, right.mean(axis=1), loss.tolist(), strict=True)
        ]

    def _start(self, start, seed) -> list[np.ndarray]:
        """The weights of a start, drawn once: starts of other seeds are forgotten."""
        if self._starts.get("seed") != seed:
            self._starts, self._stacked = {"seed": seed}, {}
        if start not in self._starts:
            if isinstance(start, str):
                default_start(self._net, start, seed)
            else:
                isometric_start(self._net, gain=start, seed=seed)
            if self._twin is not None:
                copy(self._net, self._twin)
            self._starts[start] = (self._twin or self._net).get_weights()
        return self._starts[start]


def default_start(net, name, seed):
    """Keras' start (`glorot`, biases zero) or PyTorch's (`uniform`: U(+-1/sqrt(inputs)))."""
    rng = np.random.default_rng(seed)
    for layer in net.layers:
        inputs, units = layer.kernel.shape
        bound = (6 / (inputs + units)) ** 0.5 if name == "glorot" else inputs**-0.5
        layer.kernel.assign(rng.uniform(-bound, bound, (inputs, units)))
        layer.bias.assign(rng.uniform(-bound, bound, units) * (name != "glorot"))


def points(settings) -> np.ndarray:
    """The landscape's grid, rows along the second input: `(resolution**2, 2)`."""
    axis = np.linspace(-settings["extent"], settings["extent"], settings["resolution"])
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2).astype("float32")


def measured(run, trainer):
    """Metrics, curves and landscape of a run, for `results.save`."""
    settings, started = run["settings"], time.perf_counter()
    first, rates = lattice.axes(settings)
    found, success, defaults = mapped(run, trainer, first, rates)
    good = {cell: one for cell, one in found.items() if one.test_accuracy >= settings["wanted"]}
    chosen = min(good, key=lambda cell: good[cell].train_loss) if good else None
    name = first_axis(settings)
    metrics = lattice.regions(success, settings) | {
        "cells_disagreement": between(list(good.values()), settings),
        f"chosen_{name}": first[chosen[0]] if good else None,
        "chosen_rate": rates[chosen[1]] if good else None,
        "test_accuracy": good[chosen].test_accuracy if good else None,
        "trained_cells": len(found),
        "lost_cells": sum(not np.isfinite(one.logits).all() for one in found.values()),
        **{f"{name}_accuracy": max(values, default=None) for name, values in defaults.items()},
        "seconds": time.perf_counter() - started,
    }
    accuracy = lattice.spread(found, success.shape, "test_accuracy")
    curves = {f"{name}s": first, "rates": rates, "accuracy": accuracy, "success": success}
    curves |= {f"{name}_accuracy": values for name, values in defaults.items()}
    return metrics, curves, landscape(good[chosen], settings) if good else None


def mapped(run, trainer, first, rates):
    """Trains a lattice and the nets with a framework's start.

    Returns:
        What became of each trained cell, by its place in the lattice; the outcome of all cells,
        `(first axis, rates)`; test accuracies by default start, one for each of `default_rates`.
    """
    settings, wanted = run["settings"], run["settings"]["wanted"]
    known = lattice.every_second(len(first), len(rates)) | (not settings["refine"])
    usual = lattice.rule_gain(settings["depth"]), settings["target_rate"]
    of_gains = first_axis(settings) == "gain"
    found = {}

    def train(cells, more=()):
        nets = [
            Cell(first[i], rates[j], usual[1]) if of_gains else Cell(usual[0], rates[j], first[i])
            for i, j in cells
        ]
        made = trainer.train([*nets, *more], run["seed"])
        found.update(zip(map(tuple, cells), made[: len(nets)], strict=True))
        progress(run, len(found), known.size)
        return made[len(nets) :]

    def succeeded():
        return lattice.spread(found, known.shape, "test_accuracy") >= wanted

    train(np.argwhere(known))
    border = lattice.border(succeeded(), known)
    tried = [Cell(name, rate, usual[1]) for name in DEFAULTS for rate in settings["default_rates"]]
    made = train(np.argwhere(border), tried)
    defaults = {name: [] for name in DEFAULTS}
    for cell, one in zip(tried, made, strict=True):
        defaults[cell.start].append(float(one.test_accuracy))
    return found, lattice.filled(succeeded(), known, known | border), defaults


def between(trained: list[Trained], settings):
    """Mean share of the grid on which two successful nets of a run differ; none below two."""
    count = settings["resolution"] ** 2
    grids = [one.logits[-count:] for one in trained]
    return boundary_disagreement(grids, threshold=0.0) if len(grids) > 1 else None


def landscape(trained: Trained, settings):
    """The deployed output on the grid in permille, as `results.save` takes it."""
    count = settings["resolution"] ** 2
    return {
        "low": -settings["extent"],
        "high": settings["extent"],
        "resolution": settings["resolution"],
        "permille": np.rint(1000 * expit(trained.logits[-count:])).astype(int).tolist(),
    }
