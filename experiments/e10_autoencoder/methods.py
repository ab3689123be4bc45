"""The methods of e10, eight settings each, and what a batch costs them."""

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any, NamedTuple

import keras
from keras import ops

import raikeras
from experiments.common import autoencoder, vectorised
from experiments.common.knobs import Knobs
from experiments.e10_autoencoder.gauss_newton import GaussNewton

WARM_UP = 20  # rates rise over one of so many parts of the steps
SHARE = 0.5  # of a mismatch that a step of inferred targets removes
LOCAL_STEPS = 10  # of LocoProp
LOWEST_RATE = 0.25  # share of the rate that the last ones have
ITERATIONS = 20  # of Gauss-Newton's conjugate gradients
NOTEBOOK = {"rate": 1e-5, "momentum": 0.999}  # of the published code; its step size is 2.5 here
# Numbers of a trial that are part of the program: trials that share them train in one.
FIXED = ("momentum", "beta_2")


def _grid(**choices: Sequence[float]) -> list[dict[str, float]]:
    """Every combination, as dicts."""
    return [dict(zip(choices, one, strict=True)) for one in product(*choices.values())]


class Method(NamedTuple):
    """How a method trains.

    Attributes:
        trials: Eight dicts of numbers, of which full-length runs choose.
        optimizer: `optimizer(rate, trial)` of backprop with it; `None`: see `trained`.
    """

    trials: list[dict[str, float]]
    optimizer: Any = None


METHODS = {
    "sgd": Method(
        _grid(rate=(3e-3, 1e-2, 2e-2, 3e-2, 4e-2, 5e-2, 6e-2, 8e-2)),
        lambda rate, trial: keras.optimizers.SGD(rate),
    ),
    "nesterov": Method(
        [
            *_grid(rate=(1e-2, 2e-2, 3e-2), momentum=(0.9, 0.95)),
            *_grid(rate=(1e-2, 2e-2), momentum=(0.8,)),
        ],
        lambda rate, trial: keras.optimizers.SGD(rate, trial["momentum"], nesterov=True),
    ),
    "adagrad": Method(
        _grid(rate=(1e-2, 2e-2, 3e-2, 4e-2, 5e-2, 6e-2, 0.1, 0.2)),
        lambda rate, trial: keras.optimizers.Adagrad(rate),
    ),
    "rmsprop": Method(
        _grid(rate=(1e-3, 2e-3, 3e-3, 4e-3, 6e-3, 8e-3, 1e-2, 2e-2)),
        lambda rate, trial: keras.optimizers.RMSprop(rate),
    ),
    "rmsprop_momentum": Method(
        [
            *_grid(rate=(1e-3, 2e-3, 4e-3), momentum=(0.8, 0.9)),
            *_grid(rate=(1e-3, 2e-3), momentum=(0.95,)),
        ],
        lambda rate, trial: autoencoder.local_optimizer(rate, trial["momentum"]),
    ),
    "adam": Method(
        [
            *_grid(rate=(6e-3, 1e-2, 1.5e-2), beta_2=(0.95, 0.99)),
            *_grid(rate=(6e-3, 1e-2), beta_2=(0.9,)),
        ],
        lambda rate, trial: keras.optimizers.Adam(rate, beta_2=trial["beta_2"]),
    ),
    "muon": Method(
        _grid(rate=(3e-3, 6e-3, 1e-2, 1.5e-2, 2e-2, 3e-2, 4e-2, 6e-2)),
        lambda rate, trial: keras.optimizers.Muon(rate, weight_decay=0.0, adam_weight_decay=0.0),
    ),
    "gauss_newton": Method(
        [
            *_grid(rate=(0.1, 0.3), damping=(0.1, 1.0, 10.0)),
            *_grid(rate=(1.0,), damping=(0.1, 1.0)),
        ]
    ),
    "locoprop_s": Method(
        [
            *_grid(rate=(3e-5,), momentum=(0.99,), step_size=(100.0, 300.0, 600.0)),
            *_grid(rate=(1e-5,), momentum=(0.99,), step_size=(300.0, 600.0)),
            {"rate": 1e-4, "momentum": 0.99, "step_size": 300.0},
            {"rate": 1e-5, "momentum": 0.999, "step_size": 300.0},
            NOTEBOOK | {"step_size": 2.5},
        ]
    ),
    "locoprop_s_closed": Method(
        [
            *_grid(eta=(1e-2, 3e-2, 0.1), step_size=(30.0, 100.0)),
            {"eta": 0.3, "step_size": 30.0},
            {"eta": 3e-2, "step_size": 300.0},
        ]
    ),
    "locoprop_m": Method(
        [
            *_grid(rate=(3e-5, 1e-4, 3e-4), momentum=(0.99,), step_size=(25.0,)),
            *_grid(rate=(1e-4,), momentum=(0.99,), step_size=(8.0, 80.0)),
            *_grid(rate=(1e-5, 3e-5), momentum=(0.999,), step_size=(25.0,)),
            NOTEBOOK | {"step_size": 2.5},
        ]
    ),
    "inferred": Method(
        [
            *_grid(rate=(2e-3, 3e-3, 4e-3), weight=(3.0, 10.0)),
            *_grid(rate=(2e-3, 3e-3), weight=(30.0,)),
        ]
    ),
}
METHODS |= {  # those of the long runs, whose best settings are others
    "nesterov_long": METHODS["nesterov"]._replace(
        trials=[
            *_grid(rate=(1e-2, 2e-2, 3e-2), momentum=(0.95,)),
            *_grid(rate=(2e-2, 4e-2), momentum=(0.9,)),
            *_grid(rate=(5e-3, 1e-2, 2e-2), momentum=(0.97,)),
        ]
    ),
    "rmsprop_momentum_long": METHODS["rmsprop_momentum"]._replace(
        trials=[
            *_grid(rate=(2e-3, 4e-3), momentum=(0.9,)),
            *_grid(rate=(2e-4, 4e-4, 6e-4, 1e-3), momentum=(0.97,)),
            *_grid(rate=(2e-4, 4e-4), momentum=(0.985,)),
        ]
    ),
    "adam_long": METHODS["adam"]._replace(
        trials=[
            *_grid(rate=(1e-2, 1.5e-2, 2e-2), beta_2=(0.99, 0.995)),
            *_grid(rate=(1.5e-2, 2e-2), beta_2=(0.98,)),
        ]
    ),
}


def linear(rate, step, steps: int):
    """Up over a twentieth of the steps, then down to zero; never zero itself."""
    step, rise = ops.cast(step, "float32"), max(1, steps // WARM_UP)
    return rate * ops.minimum((step + 1) / rise, (steps - step) / (steps - rise + 1))


class Linear(keras.optimizers.schedules.LearningRateSchedule):
    """`linear` of a knob."""

    def __init__(self, knobs: Knobs, name: str, steps: int):
        self._knobs, self._name, self._steps = knobs, name, steps

    def __call__(self, step):
        return linear(self._knobs[self._name], step, self._steps)

    def get_config(self):
        raise NotImplementedError("A schedule that reads knobs lives as long as its sweep.")


def trained(pixels: int, settings, starts, trials, steps: int, rows: int):
    """Runs that train by a method, as `Sweep` and `GaussNewton` are.

    Args:
        pixels: Integer, of an image.
        settings: The run's.
        starts, trials: Weights and numbers of each run; what `FIXED` names is the same in all.
        steps: Integer, over which rates rise and fall.
        rows: Integer, number of training images.
    """
    method = settings["method"]
    net = autoencoder.network(pixels, settings["hidden_units"], settings["code_units"])
    if method == "gauss_newton":
        return GaussNewton(
            net, starts, trials, lambda rate, step: linear(rate, step, steps), ITERATIONS
        )
    knobs = Knobs(rate=1e-3, step_size=1.0, eta=1e-2, weight=1.0)
    model = _relaxed(method, net, knobs, trials[0], steps)
    model.knobs = knobs
    numbers = [{k: v for k, v in one.items() if k not in FIXED} for one in trials]
    return vectorised.Sweep(model, starts, numbers, rows, together=False)


def _relaxed(method, net, knobs, trial, steps):
    """The compiled `RelaxedModel`, with knobs for what trials change."""
    rate = Linear(knobs, "rate", steps)
    if METHODS[method].optimizer:
        model = raikeras.RelaxedModel(net, relax=(), deployed_every=0)
        optimizer = METHODS[method].optimizer(rate, trial)
        model.compile(optimizer, autoencoder.PixelEntropy())
        return model
    if method == "inferred":
        weight = knobs.constant("weight")
        optimizer = keras.optimizers.Adam(rate)
        return autoencoder.inferred(net, optimizer, knobs.over(SHARE, "weight"), weight)
    name = method.removesuffix("_closed")
    if name == method:
        local = Linear(knobs, "rate", LOCAL_STEPS * steps)
        optimizer, eta = autoencoder.local_optimizer(local, trial["momentum"]), None
    else:
        optimizer, eta = keras.optimizers.SGD(), Linear(knobs, "eta", steps)
    model = autoencoder.locoprop(name, net, optimizer, 1.0, LOCAL_STEPS, LOWEST_RATE, eta)
    model.target_rule.step_size = knobs["step_size"]
    return model


def gradient_evaluations(method: str, sizes: Sequence[int], batch: int) -> float:
    """Multiplications of a method's step on a batch, in those of backprop's gradient.

    A product of the batch with a kernel counts 1, for backprop three a layer: outputs, the
    gradient by inputs (which the first layer does without) and by weights.

    Args:
        method: A key of `METHODS`.
        sizes: Units of the input and of each layer.
        batch: Examples.
    """
    layers = [(float(n), float(m)) for n, m in pairwise(sizes)]
    every = sum(batch * n * m for n, m in layers)
    inner = every - batch * layers[0][0] * layers[0][1]  # without the first layer
    backprop, passes = 2 * every + inner, every + inner
    if METHODS[method].optimizer:
        return 1.0
    if method == "gauss_newton":  # a product with G: tangents forward and back, weights' gradient
        return 1 + ((ITERATIONS + 1) * (2 * every + 2 * inner) + every) / backprop
    if method == "inferred":
        inference = (len(layers) - 1) * passes
        return (every + inference + backprop) / backprop
    if method == "locoprop_m":  # outputs and weights' gradient of each local problem
        return (passes + LOCAL_STEPS * 2 * every) / backprop
    moments = sum(batch * n * n + batch * n * m for n, m in layers)  # of inputs, with targets
    if method == "locoprop_s":
        return (passes + moments + sum(LOCAL_STEPS * n * n * m for n, m in layers)) / backprop
    solved = sum(n**3 / 3 + 2 * n * n * m for n, m in layers)  # Cholesky's factor, two triangles
    return (passes + moments + solved) / backprop
