"""`Transfer`: a transfer function, its convex integral and the matching losses of the two."""

from collections.abc import Callable

import keras
from keras import ops

from raikeras.transfer.gradients import zero_with_gradient
from raikeras.typing import Config, Tensor


class Transfer:
    """A transfer function f: nondecreasing, and the gradient of a convex integral F.

    An instance is called like an activation function, so it can be one:
    `Dense(10, activation=raikeras.transfer.get("arctan"))`. The other methods measure a mismatch by
    the Bregman divergence of F, `D_F(ahat, a) = F(ahat) - F(a) - f(a) . (ahat - a)`: the target `a`
    is the first argument, as in Keras. It is never negative and zero exactly where
    `f(ahat) = f(a)`. Reference: Amid et al., LocoProp (2022, arXiv 2106.06199).

    A subclass defines `__call__` and `integral`; `inverse` (then `has_inverse = True`) or `dual`
    (then `has_dual = True`) make targets after the activation possible, and `divergence` is worth
    a form without cancellation. Most users need none of this: see `raikeras.transfer.register`.

    Attributes:
        name: String, the name in error messages.
        low: Float, the lower end of the range of f; `None` without one.
        high: Float, the upper end of the range of f; `None` without one.
        couples_units: Whether an output depends on the other units, as in softmax.
        has_dual: Whether `dual` has a closed form.
        has_inverse: Whether `inverse` has one.

    Input shape:
        `(..., units)` everywhere.

    Output shape:
        `(..., units)` of f, `inverse` and `clip`; `(...)` of all others, which are summed over
        units.
    """

    name: str = "transfer"
    low: float | None = None
    high: float | None = None
    couples_units: bool = False
    has_dual: bool = False
    has_inverse: bool = False

    def __call__(self, x: Tensor) -> Tensor:
        """The outputs f(x)."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__`, the function f")

    def integral(self, x: Tensor) -> Tensor:
        """F(x), whose gradient is f(x)."""
        raise NotImplementedError(f"{type(self).__name__} must define `integral`, the F of f")

    def dual(self, y: Tensor) -> Tensor:
        """F*(y), the convex conjugate of F, at the clipped `y`.

        Raises:
            NotImplementedError: If it has no closed form (`has_dual` is `False`).
        """
        raise NotImplementedError(f"`{self.name}` has no closed form of its dual")

    def inverse(self, y: Tensor) -> Tensor:
        """A pre-activation that f takes to the clipped `y`, always finite.

        Where f is flat it is one of several; at the end of an open range it is that of a number
        close by.

        Raises:
            NotImplementedError: If there is none (`has_inverse` is `False`).
        """
        raise NotImplementedError(f"`{self.name}` has no inverse")

    def clip(self, y: Tensor) -> Tensor:
        """`y`, or the end of the closed range of f where `y` lies outside."""
        # Not ops.maximum: at a tie JAX halves its gradient.
        if self.low is not None:
            y = ops.where(y < self.low, ops.full_like(y, self.low), y)
        if self.high is not None:
            y = ops.where(y > self.high, ops.full_like(y, self.high), y)
        return y

    def divergence(self, a: Tensor, ahat: Tensor) -> Tensor:
        """D_F(ahat, a), the value alone: for its gradient see `matching_loss`."""
        linear = ops.sum(self(a) * (ahat - a), axis=-1)
        return self.integral(ahat) - self.integral(a) - linear

    def divergence_of_output(self, y: Tensor, ahat: Tensor) -> Tensor:
        """F(ahat) + F*(y) - y . ahat for `y` in the closed range, the value alone.

        Raises:
            NotImplementedError: If f has neither a dual nor an inverse.
        """
        if self.has_inverse:
            return self.divergence(self.inverse(y), ahat)
        if not self.has_dual:
            raise NotImplementedError(
                f"Targets after the activation need the inverse or the dual of `{self.name}`: give "
                "`raikeras.transfer.register` one of the arguments `inverse` and `dual`, or define "
                "the method and set `has_inverse` or `has_dual`"
            )
        return self.integral(ahat) + self.dual(y) - ops.sum(y * ahat, axis=-1)

    def matching_loss(self, a: Tensor, ahat: Tensor) -> Tensor:
        """The matching loss of target and own pre-activations, D_F(ahat, a).

        In float32 its error is at most `1e-5 (1 + |ahat - a|^2)` for numbers up to 1e4.

        The gradient in `ahat` is `f(ahat) - f(a)` by construction: no derivative of f is taken.
        The one in `a` is `-f'(a) (ahat - a)`, by automatic differentiation of f. Second
        derivatives are right as far as `ahat` is involved, and not in `a` twice.

        Args:
            a: Targets, `(..., units)`, before the activation.
            ahat: The layer's own pre-activations, `(..., units)`.

        Returns:
            `(...)`, at least 0, summed over units, in the dtype of `ahat`.
        """
        a, ahat = _pair(a, ahat)
        fixed = ops.stop_gradient(ahat)
        output = self(a)
        # All but the first are zero: they carry the gradients.
        return (
            _value(self.divergence, a, ahat)
            + zero_with_gradient(self)(ahat)
            - ops.sum(output * (ahat - fixed), axis=-1)
            - ops.sum((output - ops.stop_gradient(output)) * ops.stop_gradient(ahat - a), axis=-1)
        )

    def matching_loss_of_output(self, y: Tensor, ahat: Tensor) -> Tensor:
        """The matching loss of target outputs and own pre-activations, F(ahat) + F*(y) - y . ahat.

        Equal to `matching_loss(inverse(y), ahat)` where f has an inverse, and its limit at the ends
        of the range. Targets outside the closed range are clipped first.

        The gradient in `ahat` is `f(ahat) - clip(y)` by construction, without a derivative of f.
        The one in `y` is `inverse(y) - ahat`, at the end of an open range that of a number close
        by, and zero outside the range.

        Args:
            y: Targets, `(..., units)`, after the activation.
            ahat: The layer's own pre-activations, `(..., units)`.

        Returns:
            `(...)`, at least 0, summed over units, in the dtype of `ahat`.

        Raises:
            NotImplementedError: If f has neither a dual nor an inverse.
        """
        y, ahat = _pair(y, ahat)
        y = self.clip(y)
        value = _value(self.divergence_of_output, y, ahat)
        if self.has_inverse:
            dual = zero_with_gradient(self.inverse)(y)
        else:
            dual = self.dual(y)
            dual = dual - ops.stop_gradient(dual)
        linear = y * (ahat - ops.stop_gradient(ahat))
        linear = linear + (y - ops.stop_gradient(y)) * ops.stop_gradient(ahat)
        return value + zero_with_gradient(self)(ahat) + dual - ops.sum(linear, axis=-1)

    def get_config(self) -> Config:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: Config) -> "Transfer":
        return cls(**config)

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"{type(self).__name__}({settings})"


def _pair(target: Tensor, ahat: Tensor) -> tuple[Tensor, Tensor]:
    """Both as tensors of one dtype."""
    ahat = ops.convert_to_tensor(ahat)
    return ops.cast(target, ahat.dtype), ahat


def _value(divergence: Callable[[Tensor, Tensor], Tensor], target: Tensor, ahat: Tensor) -> Tensor:
    """The divergence without gradient, and without the negative numbers that rounding leaves."""
    dtype = keras.backend.standardize_dtype(ahat.dtype)
    # Squares of 1e4 overflow in float16, and half precision rounds each of the terms.
    wide = "float32" if dtype in ("float16", "bfloat16") else dtype
    target = ops.cast(ops.stop_gradient(target), wide)
    value = divergence(target, ops.cast(ops.stop_gradient(ahat), wide))
    return ops.cast(ops.where(value < 0, ops.zeros_like(value), value), dtype)
