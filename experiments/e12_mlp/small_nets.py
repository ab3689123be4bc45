"""What the topics of e12 share: digits in three parts, small classifiers, training with a watch."""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops
from scipy.special import logsumexp
from sklearn.datasets import load_digits

from experiments.common import vectorised

CLASSES = 10


class Digits(NamedTuple):
    """Images in [0, 1], float32 of shape `(examples, 64)`, and labels, int32."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_valid: np.ndarray
    y_valid: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def digits(seed: int, settings: dict) -> Digits:
    """Scikit-learn's digits, shuffled by the seed: training, validation and test examples."""
    x, y = load_digits(return_X_y=True)
    train, valid = settings["train_examples"], settings["valid_examples"]
    if not 0 < train < train + valid < len(x):
        raise ValueError(
            "`train_examples` and `valid_examples` must be positive and leave some of the "
            f"{len(x)} examples for testing. Received: {train} and {valid}"
        )
    order = np.random.default_rng([12, seed]).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order].astype("int32")
    parts = [slice(0, train), slice(train, train + valid), slice(train + valid, None)]
    return Digits(*(array[part] for part in parts for array in (x, y)))


def classifier(hidden_units, activation="tanh", kernel="glorot_uniform") -> keras.Sequential:
    """Dense layers from 64 pixels to ten logits.

    Args:
        kernel: Keras initializer's name, or a function that makes an initializer, for each layer.
    """
    new = kernel if callable(kernel) else lambda: kernel
    layers = [
        keras.layers.Dense(units, activation, kernel_initializer=new()) for units in hidden_units
    ]
    last = keras.layers.Dense(CLASSES, kernel_initializer=new())
    return keras.Sequential([keras.Input((64,)), *layers, last])


def cross_entropy(net) -> vectorised.Objective:
    """Mean cross-entropy of a batch in nats, from the logits of the net."""

    def objective(weights, x, y, extra):
        logits = net.stateless_call(weights, [], x)[0]
        return ops.mean(ops.sparse_categorical_crossentropy(y, logits, from_logits=True))

    return objective


def losses(logits, labels) -> np.ndarray:
    """Cross-entropy in nats averaged over the examples, in float64; shape `logits.shape[:-2]`."""
    logits = np.asarray(logits, "float64")
    chosen = np.take_along_axis(logits, np.expand_dims(labels, tuple(range(logits.ndim - 2)))[
        ..., None], -1)[..., 0]  # fmt: skip
    return (logsumexp(logits, -1) - chosen).mean(-1)


def accuracies(logits, labels) -> np.ndarray:
    """Share of right answers; shape `logits.shape[:-2]`."""
    return (np.argmax(logits, -1) == labels).mean(-1)


class Watched(NamedTuple):
    """Curves of many runs, each of shape `(measurements, runs)`; `steps` tells when."""

    steps: np.ndarray
    train_loss: np.ndarray
    valid_loss: np.ndarray
    valid_accuracy: np.ndarray
    test_loss: np.ndarray
    test_accuracy: np.ndarray

    def valid_area(self) -> np.ndarray:
        """Mean validation loss along each run, infinite where it stopped being finite."""
        area = self.valid_loss.mean(0)
        return np.where(np.isfinite(area), area, np.inf)


def watch(
    nets: vectorised.Many, data: Digits, order: np.ndarray, every: int, extra=None
) -> Watched:
    """Trains by `order`, `(runs, steps, batch)`, and measures before and after every few steps."""
    noted = [_measure(nets, data)]
    steps = order.shape[1] // every * every
    for first in range(0, steps, every):
        nets.train(data.x_train, data.y_train, order[:, first : first + every], extra)
        noted.append(_measure(nets, data))
    return Watched(np.arange(0, steps + 1, every), *map(np.array, zip(*noted, strict=True)))


def _measure(nets, data):
    x = np.concatenate([data.x_train, data.x_valid, data.x_test])
    ends = [len(data.x_train), len(data.x_train) + len(data.x_valid)]
    train, valid, test = np.split(nets.outputs(x), ends, axis=1)
    with np.errstate(all="ignore"):  # of diverged runs, which are counted where they are used
        return (
            losses(train, data.y_train),
            losses(valid, data.y_valid),
            accuracies(valid, data.y_valid),
            losses(test, data.y_test),
            accuracies(test, data.y_test),
        )


def batches(rng, runs: int, examples: int, batch: int, steps: int) -> np.ndarray:
    """Orders of `steps` steps, epoch after epoch in a new order: `(runs, steps, batch)`."""
    epochs = -(-steps // (examples // batch))
    drawn = [vectorised.one_epoch(rng, runs, examples, batch) for _ in range(epochs)]
    return np.concatenate(drawn, axis=1)[:, :steps]


class Tuned(NamedTuple):
    """The chosen rate and the run at that rate whose start had no part in the choice."""

    rate: float
    at_edge: bool
    judged: int


def choose(area: np.ndarray, rates, starts: int) -> Tuned:
    """The rate with the least validation loss along the run, over all starts but the last one.

    Args:
        area: Shape `(len(rates) * starts,)`, rates outermost; what is not finite loses.
    """
    area = area.reshape(len(rates), starts)
    best = int(np.argmin(area[:, : starts - 1].mean(1)))
    return Tuned(rates[best], best in (0, len(rates) - 1), best * starts + starts - 1)


def tune(
    data: Digits,
    build,
    optimizer: keras.optimizers.Optimizer,
    settings: dict,
    seed: int,
    *,
    objective=cross_entropy,
    order: np.ndarray | None = None,
    every: int | None = None,
    score=Watched.valid_area,
) -> tuple[vectorised.Many, Watched, Tuned]:
    """Trains with every one of `learning_rates` from as many `starts` and chooses a rate.

    Args:
        build: Makes a net.
        objective: Takes the net, returns what its runs minimise.
        order: Batches of each start, the same for every rate; without it `steps` batches of
            `batch_size` examples, redrawn each epoch, where 0 means all examples.
        every: Steps between measurements; without it as the settings say.
        score: Of the watched curves, what the chosen rate has least of.

    Returns:
        The nets, their curves and the choice; runs are numbered (rate, start).
    """
    rates, starts = settings["learning_rates"], settings["starts"]
    net = build()
    weights = vectorised.repeat(vectorised.starts(build, seeds(seed, starts)), len(rates))
    nets = vectorised.Many(net, optimizer, objective(net), weights, grid(rates, starts))
    if order is None:
        order = orders(settings, seed, starts)
    order = np.tile(order, (len(rates), 1, 1))
    watched = watch(nets, data, order, every or settings["every"])
    return nets, watched, choose(score(watched), rates, starts)


def orders(settings: dict, seed: int, runs: int) -> np.ndarray:
    """Batches of a topic's runs: `(runs, steps, batch)`."""
    examples = settings["train_examples"]
    batch = settings["batch_size"] or examples
    return batches(np.random.default_rng([13, seed]), runs, examples, batch, settings["steps"])


def grid(rates, starts: int) -> list[float]:
    """The learning rate of each run, rates outermost."""
    return np.repeat(np.asarray(rates, "float64"), starts).tolist()


def seeds(seed: int, starts: int) -> range:
    """Seeds of the starts of one run of the experiment, apart from those of any other."""
    return range(100 * seed, 100 * seed + starts)
