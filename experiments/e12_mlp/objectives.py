"""Losses on the digits: cross-entropy, squared error and hinge, from a usual and a large start."""

import keras
from keras import ops

from experiments.e12_mlp import small_nets

BIG = 1e9


def hinge(y, logits):
    """Crammer and Singer's hinge: how far the best wrong logit comes closer than one, or leads."""
    right = ops.one_hot(y, small_nets.CLASSES)
    own = ops.sum(right * logits, axis=-1)
    rival = ops.max(logits - BIG * right, axis=-1)
    return ops.relu(1 + rival - own)


def squared(y, logits):
    """Half the squared distance between softmax and the label's corner of the simplex."""
    difference = ops.softmax(logits) - ops.one_hot(y, small_nets.CLASSES)
    return ops.sum(ops.square(difference), axis=-1) / 2


def entropy(y, logits):
    """Cross-entropy in nats: MINUS the logarithm of the label's share."""
    return ops.sparse_categorical_crossentropy(y, logits, from_logits=True)


LOSSES = {"cross_entropy": entropy, "squared": squared, "hinge": hinge}
KERNELS = {
    "glorot": lambda: "glorot_uniform",
    "large": lambda: keras.initializers.RandomNormal(stddev=1.0),
}


def measure(run):
    """Metrics and curves of the topic `losses`, for `results.save`.

    The three losses have no common scale: rates are chosen by the error rate on validation data.
    """
    settings, seed = run["settings"], run["seed"]
    data = small_nets.digits(seed, settings)
    metrics, curves = {}, {}
    for name, loss in LOSSES.items():
        for start, kernel in KERNELS.items():
            watched, tuned = _by_loss(loss, kernel, data, seed, settings)
            judged = tuned.judged
            own = f"{name}_{start}"
            metrics[f"{own}_rate"] = tuned.rate
            metrics[f"{own}_test_accuracy"] = watched.test_accuracy[-1, judged]
            curves["steps"] = watched.steps
            curves[f"{own}_valid_accuracy"] = watched.valid_accuracy[:, judged].round(4)
    return metrics, curves, "ok"


def _by_loss(loss, kernel, data, seed, settings):
    def build():
        return small_nets.classifier(settings["hidden_units"], settings["activation"], kernel)

    def objective(net):
        return lambda weights, x, y, extra: ops.mean(loss(y, net.stateless_call(weights, [], x)[0]))

    def error(watched):
        return (1 - watched.valid_accuracy).mean(0)

    momentum = keras.optimizers.SGD(momentum=0.9)
    return small_nets.tune(data, build, momentum, settings, seed, objective=objective, score=error)[
        1:
    ]
