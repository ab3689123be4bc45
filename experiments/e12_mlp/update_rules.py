"""The update rules of the lectures on the same footing: steps to a loss fixed beforehand (C17)."""

import keras
import numpy as np

from experiments.e12_mlp import small_nets

# Keras' defaults but for the rate; momentum .9 as in the lectures.
RULES = {
    "gradient": lambda: keras.optimizers.SGD(),
    "momentum": lambda: keras.optimizers.SGD(momentum=0.9),
    "nesterov": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True),
    "adagrad": lambda: keras.optimizers.Adagrad(),
    "adadelta": lambda: keras.optimizers.Adadelta(),
    "rmsprop": lambda: keras.optimizers.RMSprop(),
    "adam": lambda: keras.optimizers.Adam(),
}


def measure(run):
    """Metrics and curves of the topic `rules`, for `results.save`."""
    settings, seed = run["settings"], run["seed"]
    data = small_nets.digits(seed, settings)
    metrics, curves = {}, {}

    def build():
        return small_nets.classifier(settings["hidden_units"], settings["activation"])

    for name in RULES:
        _, watched, tuned = small_nets.tune(data, build, RULES[name](), settings, seed)
        judged = tuned.judged
        loss = watched.train_loss[:, judged]
        steps = steps_to(settings["wanted_loss"], watched.steps, loss)
        metrics[f"{name}_rate"] = tuned.rate
        metrics[f"{name}_edge_share"] = int(tuned.at_edge)
        metrics[f"{name}_reached_share"] = int(steps is not None)
        metrics[f"{name}_steps"] = settings["steps"] if steps is None else steps
        metrics[f"{name}_test_accuracy"] = watched.test_accuracy[-1, judged]
        metrics[f"{name}_train_loss"] = loss[-1]
        curves["steps"] = watched.steps
        curves[f"{name}_loss"] = [float(f"{value:.4g}") for value in loss]
    for name in RULES:
        metrics[f"{name}_ratio"] = metrics[f"{name}_steps"] / metrics["gradient_steps"]
    return metrics, curves, "ok"


def steps_to(wanted, steps, losses):
    """The first measured step at which the loss is at most `wanted`; none, if there is none."""
    reached = np.flatnonzero(np.asarray(losses) <= wanted)
    return int(steps[reached[0]]) if len(reached) else None
