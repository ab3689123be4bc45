"""A zero with a given gradient: for losses whose gradient is not left to autodiff."""

from collections.abc import Callable

from keras import ops

from raikeras.typing import Tensor


def zero_with_gradient(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function of `x`, `(..., units)`, that is 0 everywhere and has the gradient `function(x)`.

    Its value has the shape `(...)`. Added to a loss it changes the gradient and not the value; the
    second derivative is that of `function`.
    """

    @ops.custom_gradient
    def zero(x: Tensor) -> tuple[Tensor, Callable[..., Tensor]]:
        def gradient(*arguments: Tensor, upstream: Tensor = None) -> Tensor:
            if upstream is None:
                (upstream,) = arguments
            return ops.expand_dims(upstream, -1) * function(x)

        # For second derivatives JAX differentiates this value, so it needs the slope as well.
        slope = ops.stop_gradient(function(x))
        return ops.sum(slope * (x - ops.stop_gradient(x)), axis=-1), gradient

    return zero
