"""What both Moons experiments use: data, nets, training with a watch on the deployed network."""

import time
from itertools import pairwise

import keras
import numpy as np
from scipy.special import expit
from sklearn.datasets import make_moons

from experiments.common.knobs import Knobs
from experiments.results import progress
from raikeras import RelaxedModel
from raikeras.diagnostics import decision_landscape
from raikeras.initializers import isometric_start
from raikeras.optimizers import Rprop
from raikeras.presets import adam_with_decay, rai_as_code, rai_as_document, rai_growing


def moons(settings):
    """Training data of the source and fresh test data: x_train, y_train, x_test, y_test."""
    arrays = []
    for count, seed in (
        (settings["train_examples"], settings["train_seed"]),
        (settings["test_examples"], settings["test_seed"]),
    ):
        x, y = make_moons(n_samples=count, noise=settings["noise"], random_state=seed)
        arrays += [x.astype("float32"), y.astype("float32")[:, None]]
    return arrays


def dense_net(widths, activation):
    """A net of Dense layers with PyTorch's default start, U(+-1/sqrt(fan_in)), as in the source.

    Its output is the logit: from probabilities Keras computes a cross-entropy clipped at 1e-7,
    whose gradient is zero beyond, and Rprop's first steps would leave backprop stuck there.
    """
    layers = [keras.Input((widths[0],))]
    for fan_in, units in pairwise(widths):
        bound = fan_in**-0.5
        layers.append(
            keras.layers.Dense(
                units,
                activation,
                kernel_initializer=keras.initializers.RandomUniform(-bound, bound),
                bias_initializer=keras.initializers.RandomUniform(-bound, bound),
            )
        )
    layers[-1].activation = keras.activations.linear
    return keras.Sequential(layers)


def method(net, settings, seed):
    """The compiled model that trains `net` by the run's method."""
    name, iterations, rate = settings["method"], settings["iterations"], settings["learning_rate"]
    mean = keras.losses.BinaryCrossentropy(from_logits=True)
    # The source trains layer by layer, and Rprop reads signs: rounded otherwise it is another run.
    as_published = {"learning_rate": rate, "deployed_every": 0, "fuse": False}
    if name == "rai_as_code":
        return rai_as_code(net, mean, **as_published)
    if name == "rai_as_document":
        total = keras.losses.BinaryCrossentropy(from_logits=True, reduction="sum")
        return rai_as_document(net, total, **as_published)
    if name == "rai_growing":
        return rai_growing(net, iterations, mean, learning_rate=rate, seed=seed, deployed_every=0)
    if name == "bp":
        net.compile(Rprop(rate), mean)
        return net
    if name == "bp_isometric":
        isometric_start(net, seed=seed)
        net.compile(adam_with_decay(rate, iterations), mean)
        return net
    raise ValueError(
        "`method` must be bp, bp_isometric, rai_as_code, rai_as_document or rai_growing. "
        f"Received: method={name!r}"
    )


class Watch(keras.callbacks.Callback):
    """Measures the deployed network at chosen iterations; its own time is not counted.

    Losses of the relaxed path are those before the iteration's update, so both describe the same
    weights; after the last update there is no further step, and its losses are one update older.
    They are noted as means over examples, also where a method minimises sums.
    """

    def __init__(self, run, net, data, iterations, samples):
        super().__init__()
        self._run, self._net, self._iterations = run, net, iterations
        self._x = np.concatenate([data[0], data[2]])
        self._y = np.concatenate([data[1], data[3]])
        self._train = len(data[0])
        points = np.geomspace(1, iterations, samples).round().astype(int)
        self._wanted = {0, *points.tolist()}
        self.seconds = self.first = 0.0
        self.curves = {
            name: []
            for name in ("iteration", "seconds", "train_accuracy", "test_accuracy")
            + ("deployed_loss", "test_loss", "relaxed_loss", "task_loss", "hidden_loss")
        }

    def on_epoch_begin(self, epoch, logs=None):
        if epoch in self._wanted:
            self._measure(epoch)
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        spent = time.perf_counter() - self._start
        if epoch == 0:
            self.first = spent  # tracing and compilation
        else:
            self.seconds += spent
        if epoch in self._wanted:
            self._note(logs)
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True
        if epoch >= 10:  # by then compilation does not dominate the estimate
            progress(self._run, epoch + 1, self._iterations)
        self._last = epoch + 1, logs

    def on_train_end(self, logs=None):
        if len(self.curves["relaxed_loss"]) == len(self.curves["iteration"]):
            self._measure(self._last[0])
            self._note(self._last[1])

    def _measure(self, iteration):
        logits = self._net.predict(self._x, batch_size=len(self._x), verbose=0)
        right = (logits > 0) == (self._y > 0.5)
        loss = np.logaddexp(0, np.where(self._y > 0.5, -logits, logits).astype("float64"))
        train, test = slice(None, self._train), slice(self._train, None)
        for name, value in (
            ("iteration", iteration),
            ("seconds", self.seconds),
            ("train_accuracy", right[train].mean()),
            ("test_accuracy", right[test].mean()),
            ("deployed_loss", loss[train].mean()),
            ("test_loss", loss[test].mean()),
        ):
            self.curves[name].append(round(float(value), 6))

    def _note(self, logs):
        relaxed = "task_loss" in logs
        count = self._train if self._run["settings"]["method"] == "rai_as_document" else 1
        for name, key in (
            ("relaxed_loss", "loss"),
            ("task_loss", "task_loss"),
            ("hidden_loss", "hidden_loss"),
        ):
            self.curves[name].append(float(logs[key]) / count if relaxed else None)


def train(run, net, data):
    """Trains by the run's method, see `fit`."""
    return fit(run, method(net, run["settings"], run["seed"]), net, data)


def fit(run, model, net, data):
    """Trains `model` full batch and returns metrics, curves and status, for `results.save`.

    `net` is the deployed network: what it predicts is measured.
    """
    settings = run["settings"]
    iterations = settings["iterations"]
    watch = Watch(run, net, data, iterations, settings["samples"])
    model.fit(
        *data[:2],
        batch_size=len(data[0]),
        shuffle=False,
        epochs=iterations,
        verbose=0,
        callbacks=[watch],
    )
    last = {name: values[-1] for name, values in watch.curves.items()}
    finite = all(np.isfinite(weight).all() for weight in net.get_weights())
    gap = None if last["task_loss"] is None else last["deployed_loss"] - last["task_loss"]
    metrics = {
        "train_accuracy": last["train_accuracy"],
        "test_accuracy": last["test_accuracy"],
        "train_loss": last["deployed_loss"],
        "test_loss": last["test_loss"],
        "relaxed_loss": last["relaxed_loss"],
        "task_loss": last["task_loss"],
        "hidden_loss": last["hidden_loss"],
        "deployment_gap": gap,
        "seconds": watch.seconds,
        "compile_seconds": watch.first,
        "iterations": last["iteration"],
    }
    ended = last["iteration"] == iterations
    return metrics, watch.curves, "ok" if finite and ended else "diverged"


def landscape(net, settings):
    """The deployed network's output on [-3, 3]^2 in permille, as `results.save` takes it.

    `None` if the network's weights are no longer finite.
    """
    low, high, resolution = -settings["extent"], settings["extent"], settings["resolution"]
    logits = decision_landscape(net, low, high, resolution).values
    if not np.isfinite(logits).all():
        return None
    return {
        "low": low,
        "high": high,
        "resolution": resolution,
        "permille": np.rint(1000 * expit(logits)).astype(int).ravel().tolist(),
    }


def rai_or_backprop(net, settings, knobs=None):
    """The compiled model that trains a classifier by the run's method, with a knob `rate`.

    RAI has a growing weight and keeps the start that the net has.
    """
    steps, knobs = settings["iterations"], knobs or Knobs(rate=1e-3)
    rate, loss = knobs.falling("rate", steps), keras.losses.BinaryCrossentropy(from_logits=True)
    if settings["method"] == "rai":
        weights = settings["first_weight"], settings["last_weight"]
        follow, kept = settings["target_rate"], {"start": None, "deployed_every": 0}
        model = rai_growing(net, steps, loss, weights, rate, follow, **kept)
    elif settings["method"] == "bp":
        model = RelaxedModel(net, relax=(), deployed_every=0)
        model.compile(adam_with_decay(rate, steps), loss)
    else:
        raise ValueError(f"`method` must be bp or rai. Received: method={settings['method']!r}")
    model.knobs = knobs
    return model
