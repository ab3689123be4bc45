"""Mismatches that are rounding alone, and are treated as none; used by `RelaxedNetwork`."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from raikeras.network.chain import Chain
from raikeras.typing import Tensor


def without_noise(own: Tensor, target: Tensor, fresh: Tensor | None, chain: Chain | None) -> Tensor:
    """The layer's own output, equal to the target where they differ by rounding alone.

    A compiler may round `record` and `replay` differently. Where a row has just started such a
    mismatch is zero, and a rule that reads signs must not see the noise.
    """
    if fresh is None:
        return own

    def exact(own: Tensor) -> Tensor:
        noise = ops.stop_gradient(ops.cast(target, own.dtype) - own)
        equal = _is_noise(noise, own, fresh, chain)
        return own + ops.where(equal, noise, ops.zeros_like(noise))

    if keras.backend.backend() != "tensorflow":
        return exact(own)  # XLA makes it part of its neighbours; a condition would keep these apart

    @ops.custom_gradient
    def exact_if_any(own: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        # Given, for TensorFlow would make three more conditions of the gradient of this one.
        return ops.cond(ops.any(fresh), lambda: exact(own), lambda: own), lambda upstream: upstream

    return exact_if_any(own)


def around_forward(target: Tensor, fed: Tensor, at_cut: Tensor) -> Tensor:
    """The target as far from the layer's own value as it is from the forward pass.

    For nets that compute in a narrower dtype than targets have: what a layer says when it is fed by
    the forward pass may be rounded otherwise than there, and by more than the target's step.

    Args:
        target: The target.
        fed: The forward pass at the present weights, where the target stands.
        at_cut: The layer's own value there.
    """
    return ops.stop_gradient(ops.cast(at_cut, target.dtype)) + (target - fed)


def held_where_noise(
    own: Tensor, target: Tensor, at_cut: Tensor, fresh: Tensor | None, chain: Chain | None
) -> tuple[Tensor, ...]:
    """Own value and target for a matching loss: without gradients where they differ by rounding.

    Equal pre-activations do not suffice here: the compiler may round their outputs differently.

    Args:
        own: The layer's pre-activation.
        target: Its target.
        at_cut: The layer's own value where the target stands.
        fresh: Booleans `(batch, 1)`, the rows that have just started; `None` for none.
        chain: The chain or `None`.
    """
    if fresh is None:
        return own, target
    noise = ops.cast(target, at_cut.dtype) - at_cut
    # Softmax makes units depend on each other, so an example is held as a whole.
    equal = ops.all(_is_noise(noise, at_cut, fresh, chain), axis=-1, keepdims=True)
    return tuple(ops.where(equal, ops.stop_gradient(one), one) for one in (own, target))


def held_at_kink(own: Tensor, target: Tensor) -> tuple[Tensor, ...]:
    """Own value and target for an absolute error: without gradients where they differ by rounding.

    In rows that have not just started, too: its slope there would be of full size, with the sign of
    whatever a backend rounds, and at zero it is 1 to JAX and 0 to others.
    """
    least = _rounding(own.dtype) ** (4 / 3) * 8  # a few units in the last place: the slope is steep
    equal = ops.abs(ops.cast(target, own.dtype) - own) <= least * (1 + ops.abs(own))
    return tuple(ops.where(equal, ops.stop_gradient(one), one) for one in (own, target))


def _is_noise(noise: Tensor, own: Tensor, fresh: Tensor, chain: Chain | None) -> Tensor:
    """Where rows have just started and the difference is of the size of rounding."""
    ones = (1,) * (len(own.shape) - (1 if chain is None else 2))
    fresh = ops.reshape(fresh, (-1, *ones) if chain is None else (1, -1, *ones))
    return ops.logical_and(fresh, ops.abs(noise) <= _rounding(own.dtype) * (1 + ops.abs(own)))


def _rounding(dtype: Any) -> float:
    """The relative difference that two compilations of one layer may show, with room to spare."""
    digits = {"float64": 52, "float32": 23, "float16": 10, "bfloat16": 7}
    return 2.0 ** (-0.75 * digits[keras.backend.standardize_dtype(dtype)])
