"""What the transfer functions share, unit by unit: parts of divergences, and limits of a dtype."""

import math

import keras
from keras import ops

from raikeras.transfer.dilogarithm import decaying_dilogarithm
from raikeras.typing import Tensor


def step_divergence(a: Tensor, ahat: Tensor) -> Tensor:
    """`|ahat|` where the signs differ."""
    return ops.where(ops.equal(a > 0, ahat > 0), ops.zeros_like(ahat), ops.abs(ahat))


def leaky_divergence(a: Tensor, ahat: Tensor, beta: float) -> Tensor:
    """Half the square times the slope on one side of zero; else three terms of 0 or more."""
    one, small = ops.ones_like(a), ops.full_like(a, beta)
    slope, other = ops.where(a > 0, one, small), ops.where(ahat > 0, one, small)
    across = other * ops.square(ahat) / 2 + slope * (ops.square(a) / 2 - a * ahat)
    return ops.where(ops.equal(a > 0, ahat > 0), slope * ops.square(ahat - a) / 2, across)


def sigmoid_divergence(a: Tensor, ahat: Tensor) -> Tensor:
    """That of the step, and of `h(x) = log(1 + exp(-|x|))`, which is bounded."""
    decay = ops.exp(-ops.abs(a))
    slope = ops.where(a > 0, -decay, decay) / (1 + decay)
    rest = ops.log1p(ops.exp(-ops.abs(ahat))) - ops.log1p(decay) - slope * (ahat - a)
    return step_divergence(a, ahat) + rest


def cross_entropy(low: Tensor, high: Tensor, logit: Tensor) -> Tensor:
    """Of `low + high = 1` and the probabilities of a logit, minus the entropy of the former."""
    value = ops.abs(logit) * ops.where(logit > 0, low, high)
    return value + ops.log1p(ops.exp(-ops.abs(logit))) + x_log_x(low) + x_log_x(high)


def bounded_part(x: Tensor) -> Tensor:
    """`-Li2(-exp(x)) - relu(x)^2 / 2`, between 0 and pi^2 / 6."""
    small = decaying_dilogarithm(size_of(x))
    return ops.where(x > 0, math.pi**2 / 6 - small, small)


def size_of(x: Tensor) -> Tensor:
    """`|x|`, with slope -1 at zero: where integrals are put together there, so are their slopes."""
    return ops.where(x > 0, x, -x)


def parts(x: Tensor) -> tuple[Tensor, Tensor]:
    """`x` where it is above zero and where it is not, with zeros elsewhere."""
    zero = ops.zeros_like(x)
    return ops.where(x > 0, x, zero), ops.where(x > 0, zero, x)


def x_log_x(x: Tensor) -> Tensor:
    """`x log x`, and its limit 0 at zero and below."""
    inside = x > 0
    return ops.where(inside, x * ops.log(ops.where(inside, x, ops.ones_like(x))), ops.zeros_like(x))


def between(y: Tensor, low: float, high: float) -> Tensor:
    y = ops.where(y < low, ops.full_like(y, low), y)
    return ops.where(y > high, ops.full_like(y, high), y)


def tiny(x: Tensor) -> float:
    """A number close to the least positive normal one of the dtype."""
    return {"float64": 2.0**-1021, "float16": 2.0**-13}.get(_dtype(x), 2.0**-125)


def half_step(x: Tensor) -> float:
    """The distance from 1 to the number of the dtype below it."""
    return 2.0 ** -{"float64": 53, "float16": 11, "bfloat16": 8}.get(_dtype(x), 24)


def _dtype(x: Tensor) -> str:
    return keras.backend.standardize_dtype(x.dtype)
