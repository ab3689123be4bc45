"""The regularisers of e06 for backprop and for RAI, each with three strengths as knobs.

RAI is the source's objective (constant hidden weight 1, rows kept, full batches) with Adam for
weights and targets and the output layer not relaxed. On every split held-out rows choose among the
three strengths; without a regulariser they choose among three rates.
"""

import keras
import numpy as np
from keras import ops

import raikeras
from experiments.common.knobs import Knobs
from experiments.common.tabular_training import Plan, loss_of, on_sets

RATES = {"bp": 3e-3, "rai": 1e-2}
TARGET_RATE = 0.3
STRENGTHS = {
    "l1": (1e-5, 1e-4, 1e-3),
    "l2": (1e-4, 1e-3, 1e-2),
    "dropout": (0.05, 0.1, 0.3),
    "early": (1.0, 0.3, 3.0),  # times the rate
    "noise": (0.03, 0.1, 0.3),  # standard deviation added to the targets in every step
    "decay": (1e-3, 1e-2, 1e-1),  # times the targets' mean square, averaged as the hidden loss
    "weight": (10.0, 100.0, 1000.0),  # a constant hidden weight
    "growing": (10.0, 100.0, 1000.0),  # the last weight; the first is .1
    "refresh": (5.0, 20.0, 100.0),  # steps after which rows start again at the forward pass
}
ON_TARGETS = ("noise", "decay", "weight", "growing", "refresh")


class _Knobs(Knobs):
    """Knobs with a source of random numbers: the same draws for all runs."""

    def __init__(self, **numbers):
        super().__init__(**numbers)
        self.seeds = keras.random.SeedGenerator(0)


class _Penalty(keras.regularizers.Regularizer):
    def __init__(self, power, knob):
        self._power, self._knob = power, knob

    def __call__(self, kernel):
        return self._knob * ops.sum(ops.power(ops.abs(kernel), self._power))

    def get_config(self):
        return {}


class _Dense(keras.layers.Dense):
    """A Dense layer whose copies have no penalty: one that reads knobs belongs to one model."""

    def get_config(self):
        return {**super().get_config(), "kernel_regularizer": None}


class KnobDropout(keras.layers.Layer):
    """Dropout whose rate is a knob."""

    def __init__(self, knobs):
        super().__init__()
        self._knobs = knobs

    def call(self, inputs, training=False):
        if not training:
            return inputs
        rate = self._knobs["strength"]
        drawn = keras.random.uniform(ops.shape(inputs), seed=self._knobs.seeds)
        return ops.where(drawn < rate, 0.0, inputs / (1.0 - rate))

    def get_config(self):
        return {"knobs": self._knobs}  # copies live in the same process


class NoisyLearned(raikeras.Learned):
    """Learned targets that are seen through noise: every step adds a new draw to the rows' values.

    Args:
        knobs: `strength` is the noise's standard deviation.
        optimizer: See `Learned`.
    """

    def __init__(self, knobs, optimizer):
        super().__init__(optimizer=optimizer)
        self._knobs = knobs

    def set(self, step):
        targets = super().set(step)
        # Noise makes a mismatch of a row that has just been set to the forward pass, too.
        values = [
            at
            + self._knobs["strength"] * keras.random.normal(ops.shape(at), seed=self._knobs.seeds)
            for at in targets.values
        ]
        return targets._replace(values=values, fresh=False)


class DecayingLearned(raikeras.Learned):
    """Learned targets with decay: `strength` times their mean square joins the objective.

    The mean is over examples and a layer's units and summed over layers, as the hidden loss is.

    Args:
        knobs: `strength`.
        units: Integer, units of a layer.
        optimizer: See `Learned`.
    """

    def __init__(self, knobs, units, optimizer):
        super().__init__(optimizer=optimizer)
        self._knobs, self._units = knobs, units

    def moved(self, step, targets, gradient):
        share = 2 * self._knobs["strength"] / (self._units * step.batch_size)
        pairs = zip(gradient, targets.values, strict=True)
        super().moved(step, targets, [slope + share * at for slope, at in pairs])


def plan(method, regulariser):
    """How a method is trained with a regulariser: see `tabular_training.Plan`.

    Args:
        method: "bp" or "rai".
        regulariser: "none" or a key of `STRENGTHS`.
    """
    _check(method, regulariser)
    rate = RATES[method]
    if regulariser in ("none", "early"):
        trials = [{"rate": rate * factor} for factor in (1.0, 0.3, 3.0)]
    else:
        name = {"growing": "last"}.get(regulariser, "strength")
        trials = [{name: strength} for strength in STRENGTHS[regulariser]]

    def build(shape, steps, settings):
        return compiled(method, regulariser, shape, steps)

    full = "full_batch_steps" if method == "rai" else None
    return Plan(trials, build, full, stops_early=regulariser == "early")


def _check(method, regulariser):
    known = ("none", *(name for name in STRENGTHS if method == "rai" or name not in ON_TARGETS))
    if method not in RATES or regulariser not in known:
        raise ValueError(
            f"`method` must be bp or rai, and `regulariser` one of {', '.join(known)}. Received: "
            f"method={method!r}, regulariser={regulariser!r}"
        )


def compiled(method, regulariser, shape, steps):
    """The compiled model; `shape` is features, outputs and hidden units."""
    knobs = _Knobs(rate=RATES[method], strength=0.0, first=0.1, last=100.0)
    net = network(regulariser, knobs, *shape)
    options = {"relax": (), "deployed_every": 0}
    if method == "rai":
        hidden = [layer.name for layer in net.layers if isinstance(layer, keras.layers.Dense)]
        weight = {
            "weight": knobs.constant("strength"),
            "growing": knobs.growing("first", "last", steps),
        }
        options |= {
            "relax": hidden[:-1],
            "targets": _targets(regulariser, knobs, steps, shape[2][0]),
            "hidden_weight": weight.get(regulariser, 1.0),
        }
    model = raikeras.RelaxedModel(net, **options)
    model.knobs = knobs
    beta = 0.99 if method == "rai" else 0.999
    model.compile(
        keras.optimizers.Adam(knobs.falling("rate", steps), beta_2=beta), loss_of(shape[1])
    )
    return model


def network(regulariser, knobs, features, outputs, hidden_units):
    """The net of e05, with penalties on its kernels or dropout behind its hidden layers."""
    power = {"l1": 1, "l2": 2}.get(regulariser)
    penalty = _Penalty(power, knobs["strength"]) if power else None
    layers = [keras.Input((features,))]
    for units in hidden_units:
        layers.append(_Dense(units, "tanh", kernel_regularizer=penalty))
        if regulariser == "dropout":
            layers.append(KnobDropout(knobs))
    layers.append(_Dense(outputs, kernel_regularizer=penalty))
    return keras.Sequential(layers)


def _targets(regulariser, knobs, steps, units):
    """Rows that follow Adam, by the rule of the regulariser."""
    follow = raikeras.presets.adam_with_decay(TARGET_RATE, steps)
    if regulariser == "noise":
        return NoisyLearned(knobs, follow)
    if regulariser == "decay":
        return DecayingLearned(knobs, units, follow)
    rule = raikeras.Learned(optimizer=follow)
    if regulariser == "refresh":
        rule.refresh_every = knobs["strength"]
    return rule


def results_of(run, splits):
    """Metrics and curves by split, with the means over the data sets of each kind."""
    chosen = run["settings"]
    found = on_sets(
        plan(chosen["method"], chosen["regulariser"]),
        chosen["regression"] + chosen["classification"],
        splits,
        run,
    )
    for kind, metric in (("regression", "log_rmse"), ("classification", "accuracy")):
        for metrics, _ in found.values():
            values = [metrics[f"{name}_{metric}"] for name in chosen[kind]]
            metrics |= {f"mean_{metric}": float(np.mean(values))} if values else {}
    return found
