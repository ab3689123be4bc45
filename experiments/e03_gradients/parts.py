"""The parts of e03, each with the metrics and curves of a run."""

import keras
import numpy as np

from experiments.common.activations import FUNCTIONS
from experiments.common.moons import moons
from experiments.e03_gradients import cliff, gradients, training


def measured(seed, settings):
    """Metrics and curves of a run, for `results.save`."""
    part = settings["part"]
    if part not in PARTS:
        raise ValueError(f"`part` must be {', '.join(PARTS)}. Received: {part!r}")
    metrics, curves = PARTS[part](seed, settings)
    keras.utils.clear_session()
    return metrics, curves


def chain(seed, settings):
    """How far equation 23 is from automatic differentiation, by activation and length."""
    rng, metrics, curves = np.random.default_rng(seed), {}, {}
    for name in FUNCTIONS:
        curves[name] = [
            gradients.chain_error(name, length, settings["draws"], rng)
            for length in settings["lengths"]
        ]
        metrics[f"{name}_chain_error"] = max(curves[name])
    return metrics | {"chain_error": max(metrics.values())}, curves


def net(seed, settings):
    """Gradients by layer at the start and along training."""
    x, y = moons(settings)[:2]
    metrics, curves = gradients.at_the_start(
        seed, settings, *(one.astype("float64") for one in (x, y))
    )
    during = training.along_training(seed, settings, x, y)
    return metrics | during[0], curves | during[1]


def local(seed, settings):
    """The same lowest layers below few and many others."""
    return training.locality(seed, settings, *moons(settings)[:2]), {}


PARTS = {
    "chain": chain,
    "net": net,
    "local": local,
    "cliff": lambda seed, settings: cliff.measured(settings),
}
