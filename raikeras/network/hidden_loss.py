"""How a mismatch is measured and weighed: the hidden loss of all cuts together."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from raikeras import transfer
from raikeras.losses import HalfSquaredError, MatchingLoss
from raikeras.network.cut import Cut
from raikeras.rows.layout import Group
from raikeras.typing import Tensor

# Keras' losses that give each example a number from its own units: one call serves all layers of a
# chain. A loss of the library, or of a user, says so by `sums_units`.
_BY_EXAMPLE = (
    keras.losses.MeanSquaredError,
    keras.losses.MeanAbsoluteError,
    keras.losses.MeanSquaredLogarithmicError,
    keras.losses.Huber,
    keras.losses.LogCosh,
    keras.losses.mean_squared_error,
    keras.losses.mean_absolute_error,
    keras.losses.mean_squared_logarithmic_error,
    keras.losses.huber,
    keras.losses.log_cosh,
)
_SQUARED = (
    HalfSquaredError,
    keras.losses.MeanSquaredError,
    keras.losses.mean_squared_error,
)
_KINKED = (
    keras.losses.MeanAbsoluteError,
    keras.losses.MeanAbsolutePercentageError,
    keras.losses.mean_absolute_error,
    keras.losses.mean_absolute_percentage_error,
)


class Pair(NamedTuple):
    """A target, the layer's own value and its inputs; of a chain with a leading axis of layers.

    `places` are those of the cut, or the chain's cuts, among all.
    """

    target: Any
    own: Any
    inputs: Any
    chain: Any
    places: tuple[int, ...]


class HiddenLoss:
    """The sum over cuts of weight times loss of (target, the layer's own value).

    Args:
        loss: A Keras loss or its name, applied to each cut by its own reduction; the default
            one averages over examples and units. `"matching"` or a `MatchingLoss` without a
            transfer function takes each layer's own activation.
        weight: A float, a schedule (a callable of the step), or a dict from layer name to either;
            layers that a dict leaves out weigh 1.
        cuts: The cuts of the network.
        at: Where the targets stand.

    Raises:
        ValueError: If the loss is unknown, an activation has no matching loss, a weight is
            negative or a dict names no relaxed layer.
    """

    def __init__(
        self, loss: Any, weight: Any, cuts: Sequence[Cut], at: str = "pre_activation"
    ) -> None:
        self._loss = get_loss(loss)
        self._losses = [_loss_of(self._loss, cut.layer, at) for cut in cuts]
        self._by_example = _kind(self._loss) in _BY_EXAMPLE or _sums_units(self._loss)
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

    def examples(self, batch_size: Tensor, sample_weight: Tensor | None, dtype: str) -> Tensor:
        """What the sum over examples is divided by, a scalar: 1 unless the loss is averaged."""
        if not self.averages:
            return ops.ones((), dtype)
        each = per_example(sample_weight, 1)
        if self._loss.reduction == "mean_with_sample_weight" and each is not None:
            return ops.cast(ops.sum(each), dtype)
        return ops.cast(batch_size, dtype)

    def __call__(self, pairs: Sequence[Pair], sample_weight: Tensor | None, step: Tensor) -> Tensor:
        """The weighted sum, a scalar.

        Args:
            pairs: The network's pairs.
            sample_weight: Tensor `(batch,)` or `(batch, 1)`: an example's weight acts on its
                whole part of the objective. Weights per output or per time step act on the task
                loss alone.
            step: Integer scalar, number of updates made so far.
        """
        schedules = {id(one): one(step) for one in self._weights if callable(one)}
        terms = []
        for target, own, _, chain, places in pairs:
            own, loss = ops.cast(own, target.dtype), self._losses[places[0]]
            weight = self._stacked(places, schedules, target.dtype)
            if chain is None:
                term = self._of_layer(loss, target, own, sample_weight)
            else:
                term = self._of_layers(loss, target, own, per_example(sample_weight, 1))
            terms.append(ops.sum(ops.cast(weight, term.dtype) * term))
        return ops.sum(ops.stack(terms))

    @property
    def is_squared(self) -> bool:
        """Whether it is a squared error: at the pre-activation a layer solves least squares."""
        return _kind(self._loss) in _SQUARED

    def curvature(
        self,
        groups: list[Group],
        batch_size: Tensor,
        sample_weight: Tensor | None,
        step: Tensor,
        dtype: str,
    ) -> list[Tensor]:
        """The numbers c for which a squared hidden loss is the sum of c / 2 error^2 over units.

        Args:
            groups: The groups of the network's cuts.
            batch_size: Integer scalar.
            sample_weight: As in the call.
            step: Integer scalar, number of updates made so far.
            dtype: Dtype of the result.

        Returns:
            A tensor for each group, which broadcasts against its targets.
        """
        found = []
        for group in groups:
            parts = []
            for shape, run in itertools.groupby(range(len(group.places)), group.shapes.__getitem__):
                places = tuple(group.places[number] for number in run)
                one_size = (batch_size, *shape)
                weight, each = self.row_weights(places, one_size, sample_weight, step, dtype)
                if not group.stacked:
                    weight = ops.broadcast_to(weight, (len(places),))
                    weight = ops.repeat(weight, math.prod(shape))
                elif len(weight.shape):
                    weight = weight[:, None, None]
                parts.append(weight)
            curvature = parts[0] if group.stacked else ops.concatenate(parts)
            found.append(curvature if each is None else curvature * each[:, None])
        return found

    def row_weights(
        self,
        places: tuple[int, ...],
        shape: tuple[Any, ...],
        sample_weight: Tensor | None,
        step: Tensor,
        dtype: str,
    ) -> tuple[Tensor, Tensor | None]:
        """The weights c for which a squared hidden loss is `sum_n c_n / 2 ||error_n||^2`.

        Args:
            places: The place of the cut among all, or those of several of one shape.
            shape: Shape `(batch, ..., units)` of a cut's values.
            sample_weight: As in the call.
            step: Integer scalar, number of updates made so far.
            dtype: Dtype of the result.

        Returns:
            A scalar or, where the cuts' weights differ, `(cuts,)`; and one weight an example,
            `(batch,)`, that multiplies it, or `None`.
        """
        schedules = {id(one): one(step) for one in self._weights if callable(one)}
        weight = self._stacked(places, schedules, dtype)
        weight = ops.cast(weight, dtype)
        each = per_example(sample_weight, 1)
        each = None if each is None else ops.cast(each, dtype)
        summed = isinstance(self._loss, HalfSquaredError)
        if not summed:
            weight = weight * (2 / shape[-1])
        weight = ops.divide_no_nan(weight, self.examples(shape[0], sample_weight, dtype))
        by_weight = self._loss.reduction == "mean_with_sample_weight" and each is not None
        if self.averages and not summed and not by_weight:
            weight = weight / math.prod(shape[1:-1])  # Keras takes the mean over places too
        return weight, each

    def _of_layer(
        self, loss: keras.losses.Loss, target: Tensor, own: Tensor, sample_weight: Tensor | None
    ) -> Tensor:
        """The loss of a single cut, a scalar or `(batch, ...)` by its reduction."""
        rank = len(target.shape)
        if rank < 3 or not _sums_units(loss):
            return loss(target, own, per_example(sample_weight, rank - 1))
        # An example's divergence is the sum over the places of its feature map, never their mean.
        dtype = loss.dtype
        values = loss.call(ops.cast(target, dtype), ops.cast(own, dtype))
        values = ops.sum(values, axis=tuple(range(1, rank - 1)))
        return self._reduced(values, per_example(sample_weight, 1), dtype)

    def _of_layers(
        self, loss: keras.losses.Loss, target: Tensor, own: Tensor, sample_weight: Tensor | None
    ) -> Tensor:
        """The loss of each layer of a chain, `(layers,)`."""
        if not self._by_example:
            # TensorFlow's vectorized map keeps XLA from compiling a step only once.
            over = ops.vectorized_map if keras.backend.backend() == "jax" else ops.map
            return over(lambda pair: loss(*pair, sample_weight), (target, own))
        pair = [ops.cast(one, loss.dtype) for one in (target, own)]
        if self.is_squared and keras.backend.backend() == "tensorflow":
            values = _squared_error(*pair)
            if isinstance(loss, HalfSquaredError):
                values = values * (target.shape[-1] / 2)
        else:
            if self.is_squared:
                pair.reverse()  # the same numbers, but no negative of the gradient beside itself
            values = loss.call(*pair)  # (layers, batch)
        return self._reduced(values, sample_weight, loss.dtype)

    def _reduced(self, values: Tensor, sample_weight: Tensor | None, dtype: str) -> Tensor:
        """Losses of examples, `(..., batch)`, put together over the last axis."""
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, dtype)
            values = values * sample_weight
        total = ops.sum(values, axis=-1)
        if not self.averages:
            return total
        if self._loss.reduction == "mean_with_sample_weight" and sample_weight is not None:
            return ops.divide_no_nan(total, ops.sum(sample_weight))
        return total / ops.cast(ops.shape(values)[-1], dtype)

    def _stacked(self, places: tuple[int, ...], schedules: dict[int, Tensor], dtype: str) -> Tensor:
        """The weights of cuts: a scalar if they share one, else `(layers,)`."""
        weights = [self._weights[place] for place in places]
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


@ops.custom_gradient
def _squared_error(
    target: Tensor, own: Tensor
) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
    """The mean over units of the squared difference, `(..., units)` to `(...)`.

    TensorFlow's own gradient of it passes over memory three times more.
    """
    error = own - target

    def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
        by_own = (2 / error.shape[-1]) * upstream[..., None] * error
        return -by_own, by_own

    return ops.mean(ops.square(error), axis=-1), gradient


def per_example(sample_weight: Any, rank: int) -> Tensor | None:
    """One weight an example, in a shape that broadcasts against losses of `rank` axes."""
    if not hasattr(sample_weight, "shape") or len(sample_weight.shape) > 2:
        return None
    if len(sample_weight.shape) == 2 and sample_weight.shape[1] != 1:
        return None
    return ops.reshape(sample_weight, (-1,) + (1,) * (rank - 1))


def _sums_units(loss: keras.losses.Loss) -> bool:
    """Whether the class of a loss, and not just one that it derives from, says so."""
    return bool(vars(type(loss)).get("sums_units", False))


class _FunctionLoss(keras.losses.Loss):
    """A loss function of one example as a Keras loss, averaged over examples and units."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__(name="hidden_loss")
        self.function = function

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self.function(y_true, y_pred)


def _kind(loss: keras.losses.Loss) -> Any:
    """The class of a loss, or the function that one is made of."""
    return loss.function if isinstance(loss, _FunctionLoss) else type(loss)


def has_kink(loss: keras.losses.Loss) -> bool:
    """Whether a loss is known to have no slope where nothing mismatches."""
    return _kind(loss) in _KINKED


def get_loss(loss: Any) -> keras.losses.Loss:
    """The hidden loss that an argument names."""
    if isinstance(loss, str) and loss == "matching":
        return MatchingLoss()
    try:
        found = keras.losses.get(loss)
    except ValueError as error:
        raise ValueError(
            "`hidden_loss` must be a Keras loss or its name, as in "
            f'hidden_loss="mean_squared_error", or "matching". Received: hidden_loss={loss!r}'
        ) from error
    if not callable(found):
        raise ValueError(
            f"`hidden_loss` must be a Keras loss or its name. Received: hidden_loss={loss!r}"
        )
    return found if isinstance(found, keras.losses.Loss) else _FunctionLoss(found)


def _loss_of(loss: keras.losses.Loss, layer: keras.Layer, at: str) -> keras.losses.Loss:
    """The loss of one layer: a matching loss is that of its own activation, unless it names one."""
    if not isinstance(loss, MatchingLoss):
        return loss
    try:
        own = loss.transfer or transfer.get(getattr(layer, "activation", None))
    except ValueError as error:
        raise ValueError(f"Layer `{layer.name}` has no matching loss. {error}") from error
    return MatchingLoss(own, targets=at, reduction=loss.reduction, dtype=loss.dtype)
