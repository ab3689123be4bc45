"""Very deep sigmoid nets on Moons: RAI with a growing weight, and what its start has already.

Under RAI with targets at the forward pass the task reaches one layer more with each step, and a
layer that it has not reached has no mismatch, so no gradient: in k steps only the last k hidden
layers move. The layers before them are run once (`front`), the others are trained as a net.
"""

import sys
import time
from math import sqrt

import jax
import keras
import numpy as np
from sklearn.linear_model import LogisticRegression

from experiments.common import vectorised
from experiments.common.moons import moons, rai_or_backprop
from experiments.results import progress
from raikeras.initializers import isometric_start

sys.setrecursionlimit(400_000)  # Keras walks a net's graph by recursion, some calls a layer


def gain(settings) -> float:
    """The gain at which signals of a net of this depth stay apart but do not become chaotic.

    A signal keeps a size of about sqrt(gain - 1), and what two examples differ by grows by about
    (gain - 1)^2 a layer: depth times that is kept constant.
    """
    return 1 + min(0.25, sqrt(settings["gain_scale"] / settings["depth"]))


def plain_net(settings):
    """The net as a user writes it: equal Dense layers, the logit as output."""
    hidden = [keras.layers.Dense(settings["units"], "sigmoid") for _ in range(settings["depth"])]
    return keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1)])


def reached(settings) -> int:
    """How many of the last hidden layers a training can move."""
    return min(settings["depth"], settings["iterations"])


def front(weights, x):
    """The output of the first hidden layers, given their kernels and biases in turn."""
    if not weights:
        return x
    first, *kernels = [np.asarray(w) for w in weights[::2]]
    bias, *biases = [np.asarray(w) for w in weights[1::2]]
    value = jax.nn.sigmoid(x @ first + bias)
    if not kernels:
        return np.asarray(value)
    return np.asarray(_through(value, np.stack(kernels), np.stack(biases)))


@jax.jit
def _through(value, kernels, biases):
    def layer(value, weights):
        return jax.nn.sigmoid(value @ weights[0] + weights[1]), None

    return jax.lax.scan(layer, value, (kernels, biases))[0]


def tail(settings, layers: int):
    """The net of the last hidden layers, on what the front makes of the data."""
    hidden = [keras.layers.Dense(settings["units"], "sigmoid") for _ in range(layers)]
    width = 2 if layers == settings["depth"] else settings["units"]
    return keras.Sequential([keras.Input((width,)), *hidden, keras.layers.Dense(1)])


class Deep:
    """Trains the runs of a variant with one compiled program, kept until the variant changes."""

    def __init__(self):
        self._settings = self._net = self._tail = self._sweep = None

    def measure(self, run):
        """Metrics, curves and status of a run, for `results.save`."""
        settings = run["settings"]
        if settings != self._settings:
            self._settings, self._sweep = settings, None
            self._net = plain_net(settings)
        data = self._start(run)
        found = self._train(run, data)
        found[0].update(self._readout(data))
        return found

    def _start(self, run):
        """Sets the net's start; returns the data as the layers that can move are given them."""
        settings = run["settings"]
        isometric_start(self._net, gain(settings), settings["first_seed"] + run["seed"])
        weights, moved = self._net.get_weights(), 2 * (reached(settings) + 1)
        x_train, y_train, x_test, y_test = moons(settings)
        kept, self._tail = weights[:-moved], weights[-moved:]
        return front(kept, x_train), y_train, front(kept, x_test), y_test

    def _readout(self, data):
        """What the start alone is worth, from the data of the layers that move."""
        x_train, y_train, x_test, y_test = data
        hidden = self._tail[:-2]
        return readout(front(hidden, x_train), y_train, front(hidden, x_test), y_test)

    def _train(self, run, data):
        settings = run["settings"]
        started = time.perf_counter()
        self._restart(settings)
        chunk = settings["iterations"] // settings["samples"]
        order = vectorised.full_batch(1, chunk, len(data[0]))
        names = "iteration seconds objective train_accuracy test_accuracy deployed_loss"
        curves = {name: [] for name in names.split()}
        self._note(curves, data, 0, 0.0, None)
        start_seconds, seconds = time.perf_counter() - started, 0.0
        for sample in range(settings["samples"]):
            begun = time.perf_counter()
            losses = self._sweep.train(*data[:2], order)
            seconds += time.perf_counter() - begun
            self._note(curves, data, chunk * (sample + 1), seconds, losses[-1, 0])
            progress(run, sample + 1, settings["samples"])
        last = {name: values[-1] for name, values in curves.items()}
        metrics = {
            "train_accuracy": last["train_accuracy"],
            "test_accuracy": last["test_accuracy"],
            "train_loss": last["deployed_loss"],
            "relaxed_loss": last["objective"],
            "seconds": seconds,
            "start_seconds": start_seconds,
            "iterations": last["iteration"],
            "layers_reached": reached(settings),
            # With targets given a layer waits for no other: forward, then both gradients at once.
            "products_in_a_row": 2 * settings["iterations"],
        }
        finite = np.isfinite([last["deployed_loss"], last["objective"]]).all()
        return metrics, curves, "ok" if finite else "diverged"

    def _restart(self, settings):
        """Makes the model at a variant's first run, and gives it the run's start."""
        knobs = [{"rate": settings["learning_rate"]}]
        if self._sweep is None:
            model = rai_or_backprop(tail(settings, reached(settings)), settings)
            self._sweep = vectorised.Sweep(
                model, [self._tail], knobs, settings["train_examples"], together=False
            )
        else:
            self._sweep.restart([self._sweep.stacked(self._tail)], knobs)

    def _note(self, curves, data, iteration, seconds, objective):
        x_train, y_train, x_test, y_test = data
        logits = self._sweep.outputs(np.concatenate([x_train, x_test]))[0]
        right = (logits > 0) == (np.concatenate([y_train, y_test]) > 0.5)
        train = slice(None, len(x_train))
        signed = np.where(y_train > 0.5, -logits[train], logits[train]).astype("float64")
        values = (
            iteration,
            seconds,
            None if objective is None else float(objective),
            right[train].mean(),
            right[len(x_train) :].mean(),
            np.logaddexp(0, signed).mean(),
        )
        for name, value in zip(curves, values, strict=True):
            curves[name].append(None if value is None else round(float(value), 6))


def readout(x_train, y_train, x_test, y_test):
    """Logistic regression on the last hidden layer of the untrained start: only the output moves.

    Features are centred and scaled by one number, and hardly regularised (C = 100).
    """
    middle, size = x_train.mean(0, dtype="float64"), x_train.std(0, dtype="float64").mean()
    x_train, x_test = ((x.astype("float64") - middle) / size for x in (x_train, x_test))
    fitted = LogisticRegression(C=100.0, max_iter=10_000).fit(x_train, y_train[:, 0])
    return {
        "readout_train_accuracy": fitted.score(x_train, y_train[:, 0]),
        "readout_test_accuracy": fitted.score(x_test, y_test[:, 0]),
    }
