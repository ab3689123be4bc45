"""What presets share: schedules, and models of the layers before the output."""

from typing import Any

import keras

from raikeras.backend.keras_internals import sublayers
from raikeras.losses import HalfSquaredError
from raikeras.model import RelaxedModel
from raikeras.targets import TargetRule


def adam_with_decay(learning_rate: Any, steps: int) -> keras.optimizers.Adam:
    """Adam (beta_2 = .99) with a rate as `falling` has it, or with the schedule that is given."""
    if not callable(learning_rate):
        learning_rate = falling(learning_rate, steps)
    return keras.optimizers.Adam(learning_rate, beta_2=0.99)


def falling(rate: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A rate that falls linearly to 2 % of itself over `steps`."""
    return keras.optimizers.schedules.PolynomialDecay(rate, steps, 0.02 * rate)


def growing(
    first: float, last: float, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """A hidden weight that grows geometrically over `steps`, and on after them."""
    return keras.optimizers.schedules.ExponentialDecay(first, steps, last / first)


def summed_over_units(
    net: keras.Model,
    targets: TargetRule,
    optimizer: keras.optimizers.Optimizer,
    loss: Any,
    metrics: Any,
    given: dict[str, Any],
) -> RelaxedModel:
    """A model whose mismatches are summed over units and averaged over examples."""
    hidden_loss = HalfSquaredError("sum_over_batch_size")
    settings = {"targets": targets, "relax": hidden_dense(net), "hidden_loss": hidden_loss}
    model = RelaxedModel(net, **{**settings, **given})
    model.compile(optimizer, loss, metrics=metrics)
    return model


def hidden_dense(net: keras.Model) -> list[str]:
    """Names of the Dense layers but the last, which is the output."""
    return [layer.name for layer in sublayers(net) if isinstance(layer, keras.layers.Dense)][:-1]
