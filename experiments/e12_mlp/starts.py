"""Starting values: which ones break the hidden units' symmetry, and what they train to (C16)."""

import keras
import numpy as np

import raikeras
from experiments.common import vectorised
from experiments.e12_mlp import small_nets

KERNELS = {
    "zero": lambda: "zeros",
    "constant": lambda: keras.initializers.Constant(0.1),
    "small": lambda: keras.initializers.RandomNormal(stddev=0.01),
    "large": lambda: keras.initializers.RandomNormal(stddev=1.0),
    "glorot": lambda: "glorot_uniform",
    "he": lambda: "he_normal",
    "orthogonal": lambda: "orthogonal",
}
STARTS = (*KERNELS, "isometric")


def measure(run):
    """Metrics and curves of the topic `starts`, for `results.save`."""
    settings, seed = run["settings"], run["seed"]
    data = small_nets.digits(seed, settings)
    nets, watched = train(data, seed, settings)
    rates, starts = settings["learning_rates"], settings["starts"]
    area = watched.valid_area().reshape(len(STARTS), -1)
    spread = spreads(nets.weights)
    metrics, curves = {}, {"steps": watched.steps}
    for number, name in enumerate(STARTS):
        tuned = small_nets.choose(area[number], rates, starts)
        judged = tuned.judged + number * len(rates) * starts
        metrics[f"{name}_rate"] = tuned.rate
        metrics[f"{name}_spread"] = spread[judged]
        metrics[f"{name}_train_loss"] = watched.train_loss[-1, judged]
        metrics[f"{name}_test_accuracy"] = watched.test_accuracy[-1, judged]
        curves[f"{name}_loss"] = watched.train_loss[:, judged].round(4)
    for name in ("zero", "constant"):
        metrics[f"{name}_gain"] = metrics[f"{name}_test_accuracy"] - metrics["glorot_test_accuracy"]
    metrics["one_unit_test_accuracy"] = one_unit(data, seed, settings)
    return metrics, curves, "ok"


def build(name, hidden_units, activation):
    """A net with the named start."""
    if name == "isometric":
        net = small_nets.classifier(hidden_units, activation)
        return raikeras.initializers.isometric_start(net, seed=np.random.randint(2**31))
    return small_nets.classifier(hidden_units, activation, KERNELS[name])


def train(data, seed, settings):
    """All starts with all rates by plain mini-batch gradient steps: `(nets, watched)`.

    Runs are numbered (start's kind, rate, draw), the last one fastest.
    """
    rates, starts = settings["learning_rates"], settings["starts"]
    shape = settings["hidden_units"], settings["activation"]
    drawn = [
        vectorised.repeat(
            vectorised.starts(lambda: build(name, *shape), small_nets.seeds(seed, starts)),  # noqa: B023
            len(rates),
        )
        for name in STARTS
    ]
    net = small_nets.classifier(*shape)
    nets = vectorised.Many(
        net,
        keras.optimizers.SGD(),
        small_nets.cross_entropy(net),
        [np.concatenate(same) for same in zip(*drawn, strict=True)],
        small_nets.grid(rates, starts) * len(STARTS),
    )
    order = np.tile(small_nets.orders(settings, seed, starts), (len(STARTS) * len(rates), 1, 1))
    return nets, small_nets.watch(nets, data, order, settings["every"])


def one_unit(data, seed, settings):
    """Test accuracy of a net with a single hidden unit: all that equal units can be."""

    def single():
        return small_nets.classifier([1], settings["activation"])

    _, watched, tuned = small_nets.tune(data, single, keras.optimizers.SGD(), settings, seed)
    return watched.test_accuracy[-1, tuned.judged]


def spreads(weights):
    """The largest difference between hidden units of each run: zero if they are equal bit for bit.

    Args:
        weights: Kernel and bias of the hidden layer, kernel of the output layer (and its bias),
            each with the leading axis runs.
    """
    kernel, bias, output = (np.asarray(weight) for weight in weights[:3])
    parts = [kernel, bias[:, None], output.swapaxes(1, 2)]  # hidden units last
    return np.max([np.ptp(part, axis=-1).max(axis=1) for part in parts], axis=0)
