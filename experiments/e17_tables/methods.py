"""The methods of e17: one net, one loss, eight settings each, rates that fall over a run.

All but backprop and the source's protocol leave the output layer as it is. Adam has beta_2 = .99
wherever it trains.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

import raikeras
from experiments.common.knobs import Knobs, RpropKnobs
from experiments.common.tabular_training import loss_of, network

TARGET_RATE = 0.4  # of targets that move before the weights, by the hidden loss' own curvature
MULTIPLIER_RATE = 0.1
REFRESH = 5  # steps after which re-initialised rows start again
GROWING = 0.004, 4.0  # the growing hidden weight's first and last value
INFERRED_WEIGHT = 100.0  # hidden weight of inferred targets
INFERENCE_STEPS = 10  # of inferred targets, each of which removes a share of a mismatch
SHARE = 0.2
PC_ALM_STEPS = 24  # with multipliers, from Keras' default start
PC_ALM_STEP = 0.05
PC_ALM_WEIGHT = 10.0
LOCAL_STEPS = 3


def _grid(**choices: tuple[float, ...]) -> list[dict[str, float]]:
    """Every combination of two lists of values, as dicts."""
    (one, first), (two, second) = choices.items()
    return [{one: a, two: b} for a in first for b in second]


def _rates(*values: float) -> list[dict[str, float]]:
    return [{"rate": value} for value in values]


class Method(NamedTuple):
    """How a method trains.

    Attributes:
        trials: Dicts of knobs, of which held-out rows choose on every split.
        rule: `rule(knobs)` gives where targets come from; `None`: nothing is relaxed.
        mini_batches: Whether it trains in mini-batches; otherwise in full batches.
        options: Further arguments of `RelaxedModel`.
    """

    trials: list[dict[str, float]]
    rule: Callable[[Knobs], raikeras.TargetRule] | None = None
    mini_batches: bool = False
    options: dict[str, Any] = {}  # noqa: RUF012, never changed


def _rows(multiplier_rate: float) -> Callable[[Knobs], raikeras.Learned]:
    follow = keras.optimizers.SGD(TARGET_RATE)
    return lambda _: raikeras.Learned(optimizer=follow, multiplier_rate=multiplier_rate)


def _growing(knobs: Knobs) -> raikeras.TargetRule:
    follow = keras.optimizers.Adam(knobs.constant("target_rate"), beta_2=0.99)
    return raikeras.Learned(optimizer=follow)


def _reinitialised(knobs: Knobs) -> raikeras.TargetRule:
    follow = keras.optimizers.SGD(TARGET_RATE)
    return raikeras.Learned(optimizer=follow, refresh_every=REFRESH, multiplier_rate=0.0)


def _inferred(knobs: Knobs) -> raikeras.TargetRule:
    follow = keras.optimizers.SGD(SHARE / INFERRED_WEIGHT)
    return raikeras.Inferred(INFERENCE_STEPS, optimizer=follow)


def _inferred_multipliers(knobs: Knobs) -> raikeras.TargetRule:
    return raikeras.Inferred(PC_ALM_STEPS, PC_ALM_STEP, multiplier_rate=0.925, multiplier_leak=0.01)


_BACKPROP = _rates(3e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 3e-2, 1e-1)
METHODS = {  # of grids by pilots on splits that no run has, without the corners
    "bp": Method(_BACKPROP, mini_batches=True),
    "bp_full": Method(_BACKPROP),
    "bp_rprop": Method(_rates(1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)),
    "multipliers": Method(
        [
            *_grid(rate=(1e-3,), weight=(1.0,)),
            *_grid(rate=(3e-3,), weight=(0.1, 0.3, 1.0, 3.0)),
            *_grid(rate=(1e-2,), weight=(0.03, 0.1, 0.3)),
        ],
        _rows(MULTIPLIER_RATE),
    ),
    "penalty": Method(
        [
            *_grid(rate=(3e-3,), weight=(0.03, 0.1)),
            *_grid(rate=(1e-2,), weight=(0.01, 0.03, 0.1, 0.3)),
            *_grid(rate=(3e-2,), weight=(0.03, 0.1)),
        ],
        _rows(0.0),
    ),
    "growing": Method(
        [
            *_grid(rate=(3e-3,), target_rate=(1.0,)),
            *_grid(rate=(1e-2,), target_rate=(1.0, 3.0, 10.0)),
            *_grid(rate=(3e-2,), target_rate=(0.3, 1.0, 3.0, 10.0)),
        ],
        _growing,
    ),
    "reinitialised": Method(
        [
            *_grid(rate=(3e-3,), weight=(0.1,)),
            *_grid(rate=(1e-2,), weight=(0.003, 0.01, 0.03, 0.1)),
            *_grid(rate=(3e-2,), weight=(0.01, 0.03, 0.1)),
        ],
        _reinitialised,
    ),
    "inferred": Method(
        _rates(3e-4, 1e-3, 2e-3, 3e-3, 4e-3, 6e-3, 1e-2, 3e-2),
        _inferred,
        mini_batches=True,
        options={"hidden_weight": INFERRED_WEIGHT},
    ),
    "inferred_multipliers": Method(
        _rates(2e-3, 4e-3, 6e-3, 1e-2, 1.5e-2, 2e-2, 3e-2, 4e-2),
        _inferred_multipliers,
        mini_batches=True,
        options={"at": "post_activation", "hidden_weight": PC_ALM_WEIGHT},
    ),
    "source": Method(_rates(1e-3, 1e-2, 3e-2, 5e-2, 7e-2, 1e-1, 2e-1, 4e-1)),
    "locoprop_s": Method(
        [
            *_grid(rate=(3e-3, 6e-2), step_size=(100.0,)),
            *_grid(rate=(1e-2, 3e-2), step_size=(10.0, 100.0, 300.0)),
        ],
        mini_batches=True,
    ),
}


def compiled(method: str, shape: tuple[int, int, list[int]], steps: int) -> raikeras.RelaxedModel:
    """The `RelaxedModel` that trains by a method, with knobs for what its trials change.

    Args:
        method: A key of `METHODS`.
        shape: Features, outputs and hidden units.
        steps: Integer, training steps of a run, over which Adam's rate falls to 2 % and the growing
            weight grows.
    """
    net, loss = network(*shape), loss_of(shape[1])
    if method in ("source", "bp_rprop"):
        optimizer = raikeras.optimizers.Rprop(0.1)
        relax = keras.layers.Dense if method == "source" else ()
        model = raikeras.RelaxedModel(net, relax=relax, deployed_every=0)
        model.knobs = RpropKnobs(optimizer)
        model.compile(optimizer, loss)
        return model
    knobs = Knobs(
        rate=1e-3,
        target_rate=1e-2,
        weight=1.0,
        step_size=1.0,
        first=GROWING[0],
        last=GROWING[1],
    )
    optimizer = keras.optimizers.Adam(knobs.falling("rate", steps), beta_2=0.99)
    if method == "locoprop_s":
        local = raikeras.Local(LOCAL_STEPS)
        model = raikeras.presets.locoprop_s(
            net, loss, optimizer, weight_step=local, deployed_every=0
        )
        model.target_rule.step_size = knobs["step_size"]
    else:
        model = _relaxed(METHODS[method], net, knobs, method == "growing" and steps)
    model.knobs = knobs
    model.compile(optimizer, loss)
    return model


def _relaxed(chosen: Method, net: keras.Model, knobs: Knobs, growing_steps: int):
    if chosen.rule is None:
        return raikeras.RelaxedModel(net, relax=(), deployed_every=0)
    weight = knobs.constant("weight")
    if growing_steps:
        weight = knobs.growing("first", "last", growing_steps)
    options = {
        "targets": chosen.rule(knobs),
        "relax": [layer.name for layer in net.layers][:-1],
        "hidden_loss": raikeras.losses.HalfSquaredError("sum_over_batch_size"),
        "hidden_weight": weight,
    }
    return raikeras.RelaxedModel(net, deployed_every=0, **{**options, **chosen.options})
