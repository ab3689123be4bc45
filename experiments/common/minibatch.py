"""Images in mini-batches: data, a classifier, batches and a watch on the deployed network."""

import time

import keras
import numpy as np
from sklearn.datasets import load_digits

import raikeras
from experiments.results import progress


def images(settings):
    """x_train, y_train, x_test, y_test: rows of pixels in [0, 1] and labels.

    With `held_out` the last training examples stand in for the test data, which are not looked
    at: settings are chosen that way.
    """
    if settings["dataset"] == "digits":
        x, y = load_digits(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(x))
        x, y = x[order] / 16, y[order]
        train, test = (x[:1400], y[:1400]), (x[1400:], y[1400:])
    else:
        train, test = getattr(raikeras.datasets, settings["dataset"])()
        train, test = (train[0] / 255, train[1]), (test[0] / 255, test[1])
    held_out, count = settings["held_out"], settings["train_examples"]
    if held_out:
        test = [part[-held_out:] for part in train]
        train = [part[:-held_out] for part in train]
    train = [part[: count or None] for part in train]
    return [
        np.asarray(part, "int32") if part.ndim == 1 else part.reshape(len(part), -1).astype("f4")
        for part in (*train, *test)
    ]


class Batches(keras.utils.PyDataset):
    """Batches in a new random order each epoch, each `repeats` times in a row, with ids if asked.

    A last short batch is left out: its examples come in another epoch.
    """

    def __init__(self, x, y, batch_size, repeats, seed, ids):
        super().__init__()
        self._x, self._y, self._size, self._repeats = x, y, batch_size, repeats
        self._rng, self._ids = np.random.default_rng(seed), ids
        self.on_epoch_end()

    def __len__(self):
        return len(self._x) // self._size * self._repeats

    def on_epoch_end(self):
        self._order = self._rng.permutation(len(self._x)).astype("int32")

    def __getitem__(self, index):
        start = index // self._repeats * self._size
        ids = self._order[start : start + self._size]
        x = {"inputs": self._x[ids], "example_id": ids} if self._ids else self._x[ids]
        return x, self._y[ids]


def classifier(widths):
    """Dense tanh layers with Keras' default start; the output is the logits."""
    hidden = [keras.layers.Dense(units, "tanh") for units in widths[1:-1]]
    return keras.Sequential([keras.Input((widths[0],)), *hidden, keras.layers.Dense(widths[-1])])


class Watch(keras.callbacks.Callback):
    """Measures the deployed network after every epoch; its own time is not counted.

    The relaxed path's losses are means over the epoch. So is `during_loss`, the deployed loss
    before every tenth step, and the gap is between those two: between the same weights.
    """

    def __init__(self, run, net, data, epochs):
        super().__init__()
        self._run, self._net, self._data, self._epochs = run, net, data, epochs
        self.seconds = self.first = 0.0
        self.steps = 0
        names = "iteration epoch seconds train_accuracy test_accuracy deployed_loss test_loss"
        names += " relaxed_loss task_loss hidden_loss during_loss"
        self.curves = {name: [] for name in names.split()}

    def on_train_begin(self, logs=None):
        self._measure(0, {})

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        last = batch + 1 == self.params["steps"]
        if last or not self.steps:
            float(logs["loss"])  # waits until the step has been computed
        if not self.steps:  # tracing and compilation
            self.first = time.perf_counter() - self._start
            self._start += self.first
        if last:  # what Keras does at an epoch's end is compiled at the first one's
            self.seconds += time.perf_counter() - self._start
        self.steps += 1

    def on_epoch_end(self, epoch, logs=None):
        self._measure(epoch + 1, logs)
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True
        progress(self._run, epoch + 1, self._epochs)

    def _measure(self, epoch, logs):
        x_train, y_train, x_test, y_test = self._data
        train, test = (self._of(*part) for part in ((x_train, y_train), (x_test, y_test)))
        relaxed = "task_loss" in logs
        row = (self.steps, epoch, self.seconds, train[0], test[0], train[1], test[1])
        row += (logs["loss"] if relaxed else None,)
        row += tuple(logs.get(key) for key in ("task_loss", "hidden_loss", "deployed_loss"))
        for name, value in zip(self.curves, row, strict=True):
            self.curves[name].append(None if value is None else round(float(value), 6))

    def _of(self, x, y):
        """Accuracy and mean cross-entropy of the deployed network."""
        logits = self._net.predict(x, batch_size=2000, verbose=0).astype("float64")
        chosen = logits[np.arange(len(y)), y]
        loss = np.logaddexp.reduce(logits, axis=1) - chosen
        return (logits.argmax(1) == y).mean(), loss.mean()
