"""How a mismatch is measured and weighed: the hidden loss of all cuts together."""

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from raikeras.losses import HalfSquaredError

# Losses that give each example a number from its own units: one call serves all layers of a chain.
_BY_EXAMPLE = (
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
    keras.losses.MeanSquaredLogarithmicError,
    keras.losses.Huber,
    keras.losses.LogCosh,
    HalfSquaredError,
    keras.losses.mean_squared_error,
    keras.losses.mean_absolute_error,
    keras.losses.mean_squared_logarithmic_error,
    keras.losses.huber,
    keras.losses.log_cosh,
)


class Pair(NamedTuple):
    """A target and the layer's own output; of a chain both have a leading axis of its layers."""

    target: Any
    own: Any
    chain: Any = None


class HiddenLoss:
    """The sum over cuts of weight times loss of (target, the layer's own output).

    Args:
        loss: A Keras loss or its name, applied to each cut by its own reduction; the default
            one averages over examples and units.
        weight: A float, a schedule (a callable of the step), or a dict from layer name to either;
            layers that a dict leaves out weigh 1.
        cuts: The cuts of the circuit.

    Raises:
        ValueError: If the loss is unknown, a weight is negative or a dict names no relaxed layer.
    """

    def __init__(self, loss, weight, cuts):
        self._loss = _get_loss(loss)
        kind = getattr(self._loss, "function", type(self._loss))
        self._by_example = kind in _BY_EXAMPLE
        names = [cut.layer.name for cut in cuts]
        if isinstance(weight, Mapping):
            unknown = sorted(set(weight) - set(names))
            if unknown and names:
                raise ValueError(
                    "`hidden_weight` must name relaxed layers. Received: "
                    f"{unknown}. Relaxed layers: {names}"
                )
            weights = [weight.get(name, 1.0) for name in names]
        else:
            weights = [weight] * len(names)
        for one in weights:
            number = isinstance(one, Real) and not isinstance(one, bool)
            if not callable(one) and not (number and one >= 0):
                raise ValueError(
                    "`hidden_weight` must be a float of 0 or more, a schedule of the step, or a "
                    f"dict of these by layer name. Received: hidden_weight={weight!r}"
                )
        self._weights = weights

    @property
    def averages(self) -> bool:
        """Whether the loss is averaged over examples, and not summed."""
        return self._loss.reduction not in ("sum", "none", None)

    def __call__(self, pairs, sample_weight, step):
        """The weighted sum, a scalar.

        Args:
            pairs: The circuit's pairs, in the order of the cuts.
            sample_weight: Tensor `(batch,)` or `(batch, 1)`: an example's weight acts on its
                whole part of the objective. Weights per output or per time step act on the task
                loss alone.
            step: Integer scalar, number of updates made so far.
        """
        schedules = {id(one): one(step) for one in self._weights if callable(one)}
        terms, place = [], 0
        for target, own, chain in pairs:
            own = ops.cast(own, target.dtype)
            if chain is None:
                weight = self._weights[place]
                weight = schedules.get(id(weight), weight)
                term = self._loss(target, own, _per_example(sample_weight, len(target.shape) - 1))
                place += 1
            else:
                weight = self._stacked(place, len(chain), schedules, target.dtype)
                term = self._of_layers(target, own, _per_example(sample_weight, 1))
                place += len(chain)
            terms.append(ops.sum(ops.cast(weight, term.dtype) * term))
        return ops.sum(ops.stack(terms))

    def _of_layers(self, target, own, sample_weight):
        """The loss of each layer of a chain, `(layers,)`."""
        if not self._by_example:
            # TensorFlow's vectorized map keeps XLA from compiling a step only once.
            over = ops.vectorized_map if keras.backend.backend() == "jax" else ops.map
            return over(lambda pair: self._loss(*pair, sample_weight), (target, own))
        dtype = self._loss.dtype
        values = self._loss.call(ops.cast(target, dtype), ops.cast(own, dtype))  # (layers, batch)
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, dtype)
            values = values * sample_weight
        total = ops.sum(values, axis=-1)
        if not self.averages:
            return total
        if self._loss.reduction == "mean_with_sample_weight" and sample_weight is not None:
            return ops.divide_no_nan(total, ops.sum(sample_weight))
        return total / ops.cast(ops.shape(values)[-1], dtype)

    def _stacked(self, place: int, count: int, schedules: dict, dtype):
        """The weights of a chain's layers: a scalar if they share one, else `(layers,)`."""
        weights = self._weights[place : place + count]
        distinct = {id(one) if callable(one) else one: one for one in weights}
        if len(distinct) == 1:
            return schedules.get(id(weights[0]), weights[0])
        total = np.array([0.0 if callable(one) else one for one in weights])
        total = ops.convert_to_tensor(total, dtype)
        for one in distinct.values():
            if callable(one):
                mask = np.array([each is one for each in weights], dtype="float64")
                value = ops.cast(schedules[id(one)], dtype)
                total = total + value * ops.convert_to_tensor(mask, dtype)
        return total


def _per_example(sample_weight, rank: int):
    """One weight an example, in a shape that broadcasts against losses of `rank` axes."""
    if not hasattr(sample_weight, "shape") or len(sample_weight.shape) > 2:
        return None
    if len(sample_weight.shape) == 2 and sample_weight.shape[1] != 1:
        return None
    return ops.reshape(sample_weight, (-1,) + (1,) * (rank - 1))


class _FunctionLoss(keras.losses.Loss):
    """A loss function of one example as a Keras loss, averaged over examples and units."""

    def __init__(self, function: Callable):
        super().__init__(name="hidden_loss")
        self.function = function

    def call(self, y_true, y_pred):
        return self.function(y_true, y_pred)


def _get_loss(loss) -> keras.losses.Loss:
    try:
        found = keras.losses.get(loss)
    except ValueError as error:
        raise ValueError(
            "`hidden_loss` must be a Keras loss or its name, as in "
            f'hidden_loss="mean_squared_error". Received: hidden_loss={loss!r}'
        ) from error
    if not callable(found):
        raise ValueError(
            f"`hidden_loss` must be a Keras loss or its name. Received: hidden_loss={loss!r}"
        )
    return found if isinstance(found, keras.losses.Loss) else _FunctionLoss(found)


def without_noise(own, target, restarts, chain):
    """The layer's own output, equal to the target where they differ by rounding alone.

    A compiler may round `record` and `replay` differently. Where a row has just started such a
    mismatch is zero, and a rule that reads signs must not see the noise.
    """
    if restarts is None:
        return own
    ones = (1,) * (len(own.shape) - (1 if chain is None else 2))
    fresh = ops.reshape(restarts, (-1, *ones) if chain is None else (1, -1, *ones))

    def exact():
        noise = ops.stop_gradient(ops.cast(target, own.dtype) - own)
        rounded = ops.abs(noise) <= _rounding(own.dtype) * (1 + ops.abs(own))
        return own + ops.where(ops.logical_and(fresh, rounded), noise, ops.zeros_like(noise))

    if keras.backend.backend() == "jax":
        return exact()  # XLA makes it part of its neighbours; a condition would keep these apart
    return ops.cond(ops.any(restarts), exact, lambda: own)


def _rounding(dtype) -> float:
    """The relative difference that two compilations of one layer may show, with room to spare."""
    digits = {"float64": 52, "float32": 23, "float16": 10, "bfloat16": 7}
    return 2.0 ** (-0.75 * digits[keras.backend.standardize_dtype(dtype)])
