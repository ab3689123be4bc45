"""The nine transfer functions of LocoProp's table, their integrals and stable divergences.

Reference: Amid et al., LocoProp (2022, arXiv 2106.06199). The comments give each function's
divergence where its form is not that of the definition.
"""

import math
from numbers import Real
from typing import Any

import keras
from keras import activations, ops

from raikeras.checks import check_positive
from raikeras.transfer.base import Transfer
from raikeras.transfer.elementwise import (
    between,
    bounded_part,
    cross_entropy,
    half_step,
    leaky_divergence,
    parts,
    sigmoid_divergence,
    size_of,
    step_divergence,
    tiny,
    x_log_x,
)
from raikeras.typing import Tensor

_register = keras.saving.register_keras_serializable(package="raikeras")


@_register
class Step(Transfer):
    """1 above zero, else 0; the integral is relu."""

    name, low, high, has_dual = "step", 0.0, 1.0, True

    def __call__(self, x: Tensor) -> Tensor:
        return ops.relu(ops.sign(x))  # unlike a comparison it has a gradient, which is zero

    def integral(self, x: Tensor) -> Tensor:
        return ops.sum(ops.relu(x), axis=-1)

    def dual(self, y: Tensor) -> Tensor:
        return ops.sum(ops.zeros_like(y), axis=-1)

    def divergence(self, a: Tensor, ahat: Tensor) -> Tensor:
        return ops.sum(step_divergence(a, ahat), axis=-1)

    def divergence_of_output(self, y: Tensor, ahat: Tensor) -> Tensor:
        return ops.sum(ahat * (self(ahat) - y), axis=-1)


@_register
class Linear(Transfer):
    """The identity; the integral is half the square."""

    name, has_dual, has_inverse = "linear", True, True

    def __call__(self, x: Tensor) -> Tensor:
        return activations.linear(x)

    def integral(self, x: Tensor) -> Tensor:
        return ops.sum(ops.square(x), axis=-1) / 2

    def dual(self, y: Tensor) -> Tensor:
        return ops.sum(ops.square(y), axis=-1) / 2

    def inverse(self, y: Tensor) -> Tensor:
        return y

    def divergence(self, a: Tensor, ahat: Tensor) -> Tensor:
        return ops.sum(ops.square(ahat - a), axis=-1) / 2


@_register
class LeakyReLU(Transfer):
    """`x` above zero, else `beta x`; the integral is `x f(x) / 2`. `beta=0` is relu.

    Args:
        beta: Float of 0 or more, the slope below zero; Keras calls it `negative_slope`.

    Raises:
        ValueError: If `beta` is negative or not finite.
    """

    has_dual, has_inverse = True, True

    def __init__(self, beta: float = 0.2) -> None:
        if not (isinstance(beta, Real) and 0 <= beta < math.inf):
            raise ValueError(f"`beta` must be a finite float of 0 or more. Received: beta={beta!r}")
        self.beta: float = float(beta)
        self.name = "leaky_relu" if beta else "relu"
        self.low = None if beta else 0.0

    def __call__(self, x: Tensor) -> Tensor:
        return ops.where(x > 0, x, self.beta * x) if self.beta else activations.relu(x)

    def integral(self, x: Tensor) -> Tensor:
        return ops.sum(x * self(x), axis=-1) / 2

    def dual(self, y: Tensor) -> Tensor:
        y = self.clip(y)
        return ops.sum(y * self.inverse(y), axis=-1) / 2

    def inverse(self, y: Tensor) -> Tensor:
        y = self.clip(y)
        return ops.where(y > 0, y, y / self.beta) if self.beta else y

    def divergence(self, a: Tensor, ahat: Tensor) -> Tensor:
        return ops.sum(leaky_divergence(a, ahat, self.beta), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {"beta": self.beta}


@_register
class Sigmoid(Transfer):
    """`1 / (1 + exp(-x))`; the integral is softplus."""

    name, low, high, has_dual, has_inverse = "sigmoid", 0.0, 1.0, True, True

    def __call__(self, x: Tensor) -> Tensor:
        return activations.sigmoid(x)

    def integral(self, x: Tensor) -> Tensor:
        return ops.sum(ops.softplus(x), axis=-1)

    def dual(self, y: Tensor) -> Tensor:
        y = self.clip(y)
        return ops.sum(x_log_x(y) + x_log_x(1 - y), axis=-1)

    def inverse(self, y: Tensor) -> Tensor:
        y = between(y, tiny(y), 1 - half_step(y))
        return ops.log(y) - ops.log1p(-y)

    def divergence(self, a: Tensor, ahat: Tensor) -> Tensor:
        return ops.sum(sigmoid_divergence(a, ahat), axis=-1)

    def divergence_of_output(self, y: Tensor, ahat: Tensor) -> Tensor:
        return ops.sum(cross_entropy(1 - y, y, ahat), axis=-1)


@_register
class Softmax(Transfer):
    """Softmax over the last axis; the integral is `log sum exp`.

    It is the same for pre-activations that differ by a shift, and so is the matching loss. Targets
    outside the simplex have their negative parts cut off and are then normalised; where nothing is
    left, they are uniform.
    """

    name, low, high, couples_units = "softmax", 0.0, 1.0, True
    has_dual, has_inverse = True, True

    def __call__(self, x: Tensor) -> Tensor:
        return activations.softmax(x)

    def integral(self, x: Tensor) -> Tensor:
        return ops.logsumexp(x, axis=-1)

    def dual(self, y: Tensor) -> Tensor:
        return ops.sum(x_log_x(self.clip(y)), axis=-1)

    def inverse(self, y: Tensor) -> Tensor:
        y = self.clip(y)
        return ops.log(ops.where(y < tiny(y), ops.full_like(y, tiny(y)), y))

    def clip(self, y: Tensor) -> Tensor:
        y = ops.where(y < 0, ops.zeros_like(y), y)
        total = ops.sum(y, axis=-1, keepdims=True)
        empty = total < tiny(y)
        share = y / ops.where(empty, ops.ones_like(total), total)
        return ops.where(empty, ops.full_like(y, 1 / y.shape[-1]), share)

    def divergence(self, a: Tensor, ahat: Tensor) -> Tensor:
        own = ops.log_softmax(a, axis=-1)
        return ops.sum(ops.exp(own) * (own - ops.log_softmax(ahat, axis=-1)), axis=-1)

    def divergence_of_output(self, y: Tensor, ahat: Tensor) -> Tensor:
        return ops.sum(x_log_x(y) - y * ops.log_softmax(ahat, axis=-1), axis=-1)


@_register
class Tanh(Transfer):
    """The hyperbolic tangent; the integral is `log cosh`."""

    name, low, high, has_dual, has_inverse = "tanh", -1.0, 1.0, True, True

    def __call__(self, x: Tensor) -> Tensor:
        return activations.tanh(x)

    def integral(self, x: Tensor) -> Tensor:
        size = size_of(x)
        return ops.sum(size + ops.log1p(ops.exp(-2 * size)) - math.log(2), axis=-1)

    def dual(self, y: Tensor) -> Tensor:
        y = self.clip(y)
        return ops.sum(x_log_x(1 + y) + x_log_x(1 - y), axis=-1) / 2

    def inverse(self, y: Tensor) -> Tensor:
        largest = 1 - half_step(y)
        return ops.arctanh(between(y, -largest, largest))

    def divergence(
        self, a: Tensor, ahat: Tensor
    ) -> Tensor:  # tanh(x) = 2 sigmoid(2 x) - 1, so the divergence is sigmoid's
        return ops.sum(sigmoid_divergence(2 * a, 2 * ahat), axis=-1)

    def divergence_of_output(self, y: Tensor, ahat: Tensor) -> Tensor:
        return ops.sum(cross_entropy((1 - y) / 2, (1 + y) / 2, 2 * ahat), axis=-1)


@_register
class Arctan(Transfer):
    """The arc tangent; the integral is `x atan x - log(1 + x^2) / 2`.

    Its dual grows without bound towards the ends of the range; there a target counts as the last
    number of its dtype inside.
    """

    name, low, high, has_dual, has_inverse = "arctan", -math.pi / 2, math.pi / 2, True, True

    def __call__(self, x: Tensor) -> Tensor:
        return ops.arctan(x)

    def integral(self, x: Tensor) -> Tensor:
        return ops.sum(x * ops.arctan(x) - ops.log1p(ops.square(x)) / 2, axis=-1)

    def dual(self, y: Tensor) -> Tensor:  # -log cos y
        return ops.sum(ops.log1p(ops.square(self.inverse(y))), axis=-1) / 2

    def inverse(self, y: Tensor) -> Tensor:
        # Near pi / 2 from the distance to it, in two parts: the nearest number is not pi / 2.
        step = 2 * half_step(y)
        nearest = round(math.pi / 2 / step) * step
        rest = math.pi / 2 - nearest
        size = ops.abs(y)
        distance = (nearest - size) + rest
        least = rest if rest > 0 else step + rest
        distance = ops.where(distance < least, ops.full_like(y, least), distance)
        near = size > 1
        steep = ops.sign(y) / ops.tan(ops.where(near, distance, ops.ones_like(y)))
        return ops.where(near, steep, ops.tan(ops.where(near, ops.zeros_like(y), y)))

    def divergence(
        self, a: Tensor, ahat: Tensor
    ) -> Tensor:  # ahat (atan ahat - atan a) - log((1 + ahat^2) / (1 + a^2)) / 2
        difference = ahat - a
        excess = difference * (ahat + a)
        smaller = ops.where(excess > 0, ops.square(a), ops.square(ahat))
        log_ratio = ops.sign(excess) * ops.log1p(ops.abs(excess) / (1 + smaller))
        angle = ops.arctan2(difference, 1 + a * ahat)
        return ops.sum(ahat * angle - log_ratio / 2, axis=-1)


@_register
class Softplus(Transfer):
    """`log(1 + exp(x))`; the integral is `-Li2(-exp(x))`, Spence's dilogarithm."""

    name, low, has_inverse = "softplus", 0.0, True

    def __call__(self, x: Tensor) -> Tensor:
        return activations.softplus(x)

    def integral(self, x: Tensor) -> Tensor:
        return ops.sum(ops.square(ops.relu(x)) / 2 + bounded_part(x), axis=-1)

    def inverse(self, y: Tensor) -> Tensor:
        y = ops.where(y < tiny(y), ops.full_like(y, tiny(y)), y)
        return y + ops.log(-ops.expm1(-y))

    def divergence(
        self, a: Tensor, ahat: Tensor
    ) -> Tensor:  # relu's, and that of the bounded part with its slope
        slope = ops.log1p(ops.exp(-ops.abs(a)))
        bounded = bounded_part(ahat) - bounded_part(a) - slope * (ahat - a)
        return ops.sum(leaky_divergence(a, ahat, 0.0) + bounded, axis=-1)


@_register
class ELU(Transfer):
    """`x` above zero, else `beta (exp(x) - 1)`.

    The integral is `x^2 / 2` above zero, else `beta (exp(x) - 1 - x)`.

    Args:
        beta: Positive float, minus the lower end of the range; Keras calls it `alpha`.

    Raises:
        ValueError: If `beta` is not a positive, finite number.
    """

    name, has_dual, has_inverse = "elu", True, True

    def __init__(self, beta: float = 1.0) -> None:
        check_positive("beta", beta)
        self.beta = float(beta)
        self.low = -self.beta

    def __call__(self, x: Tensor) -> Tensor:
        return activations.elu(x, alpha=self.beta)

    def integral(self, x: Tensor) -> Tensor:
        above, below = parts(x)
        value = ops.square(above) / 2 + self.beta * (ops.expm1(below) - below)
        return ops.sum(value, axis=-1)

    def dual(
        self, y: Tensor
    ) -> Tensor:  # y^2 / 2 above zero, else (y + beta) log(1 + y / beta) - y
        above, below = parts(self.clip(y))
        value = ops.square(above) / 2 + self.beta * x_log_x(1 + below / self.beta) - below
        return ops.sum(value, axis=-1)

    def inverse(self, y: Tensor) -> Tensor:
        above, below = parts(y)
        share = below / self.beta
        largest = 1 - half_step(y)
        return above + ops.log1p(ops.where(share < -largest, ops.full_like(y, -largest), share))

    def divergence(self, a: Tensor, ahat: Tensor) -> Tensor:
        above, below = parts(a)
        share = ops.exp(below)
        return self._divergence(above, ops.expm1(below), share, below * share, ahat)

    def divergence_of_output(self, y: Tensor, ahat: Tensor) -> Tensor:
        above, below = parts(y)
        share = 1 + below / self.beta
        return self._divergence(above, below / self.beta, share, x_log_x(share), ahat)

    def _divergence(
        self, above: Tensor, slope: Tensor, share: Tensor, share_log_share: Tensor, ahat: Tensor
    ) -> Tensor:
        """With `slope = share - 1 = f(a) / beta` below zero: finite where a is minus infinity."""
        ahat_above, ahat_below = parts(ahat)
        below = ops.exp(ahat_below) - share * (1 + ahat_below) + share_log_share
        # No term of the mixed cases is negative, so nothing cancels in them.
        to_below = ops.square(above) / 2 - above * ahat_below
        to_below = to_below + self.beta * (ops.expm1(ahat_below) - ahat_below)
        to_above = ops.square(ahat_above) / 2 - self.beta * slope * ahat_above
        to_above = to_above + self.beta * (share_log_share - slope)
        to_positive = ops.where(above > 0, ops.square(ahat - above) / 2, to_above)
        to_negative = ops.where(above > 0, to_below, self.beta * below)
        return ops.sum(ops.where(ahat > 0, to_positive, to_negative), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {"beta": self.beta}
