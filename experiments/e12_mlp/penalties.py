"""L1, L2 and early stopping on few examples, which the net can learn by heart."""

import keras
import numpy as np
from keras import ops

from experiments.common import vectorised
from experiments.e12_mlp import small_nets


def penalised(net) -> vectorised.Objective:
    """Cross-entropy plus `l1` times the sum of sizes plus HALF `l2` times that of squares.

    Kernels only; `extra` holds each run's two coefficients.
    """
    entropy_of = small_nets.cross_entropy(net)

    def objective(weights, x, y, extra):
        kernels = weights[::2]
        sizes = sum(ops.sum(ops.abs(kernel)) for kernel in kernels)
        squares = sum(ops.sum(ops.square(kernel)) for kernel in kernels)
        return entropy_of(weights, x, y, None) + extra[0] * sizes + extra[1] / 2 * squares

    return objective


def measure(run):
    """Metrics and curves of the topic `regularisation`, for `results.save`.

    Few examples and a net that can learn them by heart. A coefficient is chosen as rates are.
    """
    settings, seed = run["settings"], run["seed"]
    data = small_nets.digits(seed, settings)
    coefficients, starts = settings["coefficients"], settings["starts"]
    none = [(0.0, 0.0)]
    pairs = np.array(
        none + [(c, 0.0) for c in coefficients] + [(0.0, c) for c in coefficients], "float32"
    )
    nets, watched = _by_penalty(pairs, data, seed, settings)
    ends = watched.valid_loss[-1].reshape(len(pairs), starts)
    near = _near_zero(nets.weights, settings["tiny"]).reshape(len(pairs), starts)
    metrics, curves = {}, {"steps": watched.steps}
    count = len(coefficients)
    for name, first, width in (("none", 0, 1), ("l1", 1, count), ("l2", 1 + count, count)):
        best = first + int(np.argmin(ends[first : first + width, :-1].mean(1)))
        judged = best * starts + starts - 1
        _note(metrics, name, watched, judged)
        metrics[f"{name}_coefficient"] = float(pairs[best].max())
        metrics[f"{name}_near_zero_share"] = near[best, -1]
        for part in ("train", "test"):
            curves[f"{name}_{part}_loss"] = getattr(watched, f"{part}_loss")[:, judged].round(4)
    return metrics, curves, "ok"


def _note(metrics, name, watched, judged):
    """A run at its end, and where its validation loss was least: early stopping."""
    stop = int(np.argmin(watched.valid_loss[:, judged]))
    metrics[f"{name}_stop_steps"] = watched.steps[stop]
    for when, index in (("", -1), ("_stopped", stop)):
        metrics[f"{name}{when}_test_loss"] = watched.test_loss[index, judged]
        metrics[f"{name}{when}_test_accuracy"] = watched.test_accuracy[index, judged]


def _by_penalty(pairs, data, seed, settings):
    starts = settings["starts"]

    def build():
        return small_nets.classifier(settings["hidden_units"], settings["activation"])

    net = build()
    nets = vectorised.Many(
        net,
        keras.optimizers.Adam(),
        penalised(net),
        vectorised.repeat(vectorised.starts(build, small_nets.seeds(seed, starts)), len(pairs)),
        [settings["learning_rate"]] * (len(pairs) * starts),
    )
    order = np.tile(small_nets.orders(settings, seed, starts), (len(pairs), 1, 1))
    extra = np.repeat(pairs, starts, axis=0)
    return nets, small_nets.watch(nets, data, order, settings["every"], extra)


def _near_zero(weights, tiny):
    """Share of each run's kernel entries that are smaller than `tiny`."""
    kernels = [np.abs(np.asarray(kernel)).reshape(len(kernel), -1) for kernel in weights[::2]]
    return (np.concatenate(kernels, axis=1) < tiny).mean(1)
