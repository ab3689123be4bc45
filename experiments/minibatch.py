"""What the mini-batch experiment and its search share: data, methods, training with a watch."""

import time

import keras
import numpy as np
from results import progress
from sklearn.datasets import load_digits

import raikeras
from raikeras.presets import falling, growing

MEASURED = 10  # every how many steps the deployed network is measured beside the relaxed path


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


def method(net, settings, steps, num_examples):
    """The compiled model that trains `net` by the run's method in `steps` steps."""
    model = net
    if settings["method"] != "bp":
        hidden = [layer.name for layer in net.layers]
        model = raikeras.RelaxedModel(
            net,
            targets=target_rule(settings, steps, num_examples),
            relax=hidden if settings["relax_output"] else hidden[:-1],
            at=settings["at"],
            hidden_weight=growth(settings, steps),
            deployed_every=MEASURED,
        )
    optimizer = keras.optimizers.Adam(falling(settings["learning_rate"], steps))
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def target_rule(settings, steps, num_examples):
    """Targets kept in a row per example, or inferred afresh in every batch."""
    name, rate = settings["method"], settings["target_rate"]
    if name not in ("learned", "inferred"):
        raise ValueError(f"`method` must be bp, learned or inferred. Received: method={name!r}")
    kind = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}
    optimizer = kind[settings["target_optimizer"]]
    if settings["target_optimizer"] == "sgd":
        share = rate * settings["hidden_units"][-1] / 2  # of the mean over units, per example
        rate = share / settings["hidden_weight"]
        if name == "learned":
            rate = _over(growth(settings, steps), settings["batch_size"] * share)
    if name == "inferred":
        return raikeras.Inferred(settings["inner_steps"], None, optimizer(rate))
    return raikeras.Learned(num_examples, optimizer(rate), settings["refresh_every"])


def growth(settings, steps):
    """The hidden weight: constant, or growing geometrically to `last_weight`."""
    first, last = settings["hidden_weight"], settings["last_weight"]
    if last is None:
        return first
    return growing(first, last, steps)


def _over(weight, value):
    """`value` over the hidden weight, which may be a schedule of exponential growth."""
    if not callable(weight):
        return value / weight
    decay = keras.optimizers.schedules.ExponentialDecay
    return decay(value / weight.initial_learning_rate, weight.decay_steps, 1 / weight.decay_rate)


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


def train(run, net, data):
    """Trains and returns metrics, curves and status, as `results.save` takes them."""
    settings = run["settings"]
    order = settings["batch_size"], settings["repeats"], run["seed"]
    batches = Batches(*data[:2], *order, ids=settings["method"] == "learned")
    steps = len(batches) * settings["epochs"]
    model = method(net, settings, steps, len(data[0]))
    watch = Watch(run, net, data, settings["epochs"])
    model.fit(batches, shuffle=False, epochs=settings["epochs"], verbose=0, callbacks=[watch])
    last = {name: values[-1] for name, values in watch.curves.items()}
    relaxed = last["task_loss"] is not None
    metrics = {
        **{name: last[name] for name in ("train_accuracy", "test_accuracy", "test_loss")},
        "train_loss": last["deployed_loss"],
        **{name: last[name] for name in ("relaxed_loss", "task_loss", "hidden_loss")},
        "deployment_gap": last["during_loss"] - last["task_loss"] if relaxed else None,
        "store_bytes": model.store_bytes() if relaxed else 0,  # of rows and their slots
        "seconds": watch.seconds,
        "compile_seconds": watch.first,
        "epochs": last["epoch"],
        "iterations": watch.steps,
    }
    finite = all(np.isfinite(weight).all() for weight in net.get_weights())
    return metrics, watch.curves, "ok" if finite and watch.steps == steps else "diverged"
