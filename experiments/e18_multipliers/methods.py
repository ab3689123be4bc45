"""The methods of e18_multipliers: a net, its start, the model that trains it and what a step takes.

All relaxed methods have one objective: half a squared error at each hidden layer, summed over units
and averaged over examples, times the hidden weight. They differ in where targets come from.
"""

from typing import Any

import keras

import raikeras
from experiments.common.knobs import Knobs
from raikeras.losses import HalfSquaredError

METHODS = ("bp", "learned", "inferred", "errors")
CLASSES = 10
CURVATURE_GRADIENTS = 5  # of `Inferred` before its first step, where steps follow the curvature


def net(settings, inputs: int) -> keras.Sequential:
    """Equal tanh layers in a row; the output is the logits."""
    hidden = [keras.layers.Dense(settings["units"], "tanh") for _ in range(settings["depth"])]
    return keras.Sequential([keras.Input((inputs,)), *hidden, keras.layers.Dense(CLASSES)])


def begin(net, settings, seed: int) -> None:
    """Gives a net the run's start: the same one for every method."""
    start = settings["start"]
    keras.utils.set_random_seed(seed)
    kernels = {
        "default": keras.initializers.GlorotUniform,
        "orthogonal": lambda: keras.initializers.Orthogonal(settings["gain"]),
    }
    if start == "isometric":
        raikeras.initializers.isometric_start(net, seed=seed)
        return
    if start not in kernels:
        raise ValueError(
            f"`start` must be default, orthogonal or isometric. Received: start={start!r}"
        )
    for layer in net.layers:
        kernel = kernels[start]()(layer.kernel.shape)
        layer.set_weights([kernel, keras.ops.zeros(layer.units)])


def compiled(net, settings, num_examples: int):
    """The model that trains `net`; its knobs are `rate`, `weight` and the number of `steps`."""
    knobs = Knobs(rate=1e-3, weight=1.0, steps=1.0)
    options: dict[str, Any] = {"relax": ()}
    if settings["method"] != "bp":
        options = {
            "relax": [layer.name for layer in net.layers[:-1]],
            "targets": target_rule(settings, num_examples),
            "at": settings["at"],
            "hidden_loss": HalfSquaredError("sum_over_batch_size"),
            "hidden_weight": _weight(knobs, settings["weight_growth"]),
        }
    model = raikeras.RelaxedModel(net, deployed_every=1, **options)
    model.knobs = knobs
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(knobs.falling("rate", knobs["steps"])), loss)
    return model


def target_rule(settings, num_examples: int) -> raikeras.TargetRule:
    """Where the targets come from."""
    method, steps = settings["method"], settings["target_steps"]
    rate, leak = settings["multiplier_rate"], settings["multiplier_leak"]
    if method == "learned":
        return raikeras.Learned(
            num_examples,
            keras.optimizers.SGD(settings["target_rate"]),
            settings["refresh_every"],
            multiplier_rate=rate,
            multiplier_leak=leak,
            steps=steps,
        )
    if method == "inferred":
        return raikeras.Inferred(
            steps, settings["target_rate"], multiplier_rate=rate, multiplier_leak=leak
        )
    if method == "errors":
        return raikeras.InferredErrors(steps, settings["target_rate"])
    raise ValueError(f"`method` must be one of {', '.join(METHODS)}. Received: method={method!r}")


def critical_path(settings) -> int:
    """Layer products of a training step that must follow one another, with a processor a layer.

    Backprop goes through all layers and back, the weights' gradients beside it. A step of targets
    goes through all layers at once, forth and back, and so do the weights after it. A forward pass
    goes before targets that start there, in every batch but for kept rows, which start once. Errors
    go through all layers and back in every step.
    """
    layers, steps = settings["depth"] + 1, settings["target_steps"]
    method = settings["method"]
    if method == "bp":
        return 2 * layers
    if method == "errors":
        return 2 * layers * steps + layers + 2
    if method == "inferred" and settings["target_rate"] is None:
        steps += CURVATURE_GRADIENTS
    starts = method == "inferred" or settings["refresh_every"] == 1
    return 2 * steps + 2 + (layers if starts else 0)


def _weight(knobs: Knobs, growth: float):
    """The hidden weight: the knob, or from it geometrically to `growth` times as much."""
    first, last, steps = (knobs.constant(name) for name in ("weight", "weight", "steps"))
    if growth == 1:
        return first
    return _Growing(last, growth, steps)


class _Growing(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, first, growth: float, steps):
        self._first, self._growth, self._steps = first, growth, steps

    def __call__(self, step):
        share = keras.ops.cast(step, "float32") / self._steps(step)
        return self._first(step) * keras.ops.power(self._growth, share)

    def get_config(self):
        raise NotImplementedError("A schedule that reads knobs lives as long as its sweep.")
