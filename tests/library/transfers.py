"""Transfer functions and their integrals in NumPy's float64, for tests of `raikeras.transfer`.

Plain formulas with SciPy: they share no code with the library.
"""

import contextlib

import keras
import numpy as np
import pytest
from scipy import special

from raikeras import transfer
from raikeras.backend.keras_internals import wide_floats

ALL = {
    "step": transfer.Step(),
    "linear": transfer.Linear(),
    "relu": transfer.LeakyReLU(0.0),
    "leaky_relu": transfer.LeakyReLU(0.1),
    "steep_leaky_relu": transfer.LeakyReLU(2.0),
    "sigmoid": transfer.Sigmoid(),
    "softmax": transfer.Softmax(),
    "tanh": transfer.Tanh(),
    "arctan": transfer.Arctan(),
    "softplus": transfer.Softplus(),
    "elu": transfer.ELU(1.0),
    "low_elu": transfer.ELU(2.5),
}
NAMES = list(ALL)
# Those that are not flat anywhere, so that they have one inverse (softmax up to a shift).
STRICT = [name for name in NAMES if name not in ("step", "relu")]


def _elu(beta):
    def f(x):
        return np.where(x > 0, x, beta * np.expm1(np.minimum(x, 0)))

    def integral(x):
        return np.where(x > 0, x**2 / 2, beta * (np.expm1(np.minimum(x, 0)) - x))

    return f, integral


def _leaky(beta):
    return (
        lambda x: np.where(x > 0, x, beta * x),
        lambda x: np.where(x > 0, x**2 / 2, beta * x**2 / 2),
    )


def _softplus_integral(x):
    """-Li2(-exp(x)); above 30 by its inversion formula, as exp(x) overflows."""
    large = x**2 / 2 + np.pi**2 / 6 + special.spence(1 + np.exp(-np.maximum(x, 30)))
    return np.where(x > 30, large, -special.spence(1 + np.exp(np.minimum(x, 30))))


# name: (f, F), unit by unit but for softmax.
PLAIN = {
    "step": (lambda x: (x > 0) * 1.0, lambda x: np.maximum(x, 0)),
    "linear": (lambda x: x, lambda x: x**2 / 2),
    "relu": _leaky(0.0),
    "leaky_relu": _leaky(0.1),
    "steep_leaky_relu": _leaky(2.0),
    "sigmoid": (special.expit, lambda x: np.logaddexp(0, x)),
    "tanh": (np.tanh, lambda x: np.logaddexp(x, -x) - np.log(2)),
    "arctan": (np.arctan, lambda x: x * np.arctan(x) - np.log1p(x**2) / 2),
    "softplus": (lambda x: np.logaddexp(0, x), _softplus_integral),
    "elu": _elu(1.0),
    "low_elu": _elu(2.5),
}


def f(name, x):
    """The outputs, in float64."""
    x = np.asarray(x, "float64")
    return special.softmax(x, axis=-1) if name == "softmax" else PLAIN[name][0](x)


def integral(name, x):
    """F, summed over the last axis, in float64."""
    x = np.asarray(x, "float64")
    if name == "softmax":
        return special.logsumexp(x, axis=-1)
    return PLAIN[name][1](x).sum(-1)


def divergence(name, a, ahat):
    """D_F(ahat, a) by its definition, in float64."""
    a, ahat = np.asarray(a, "float64"), np.asarray(ahat, "float64")
    linear = (f(name, a) * (ahat - a)).sum(-1)
    return integral(name, ahat) - integral(name, a) - linear


def fenchel(name, y, ahat):
    """F(ahat) + F*(y) - y . ahat in float64, with the limits of F* at the ends of the range."""
    y, ahat = np.asarray(y, "float64"), np.asarray(ahat, "float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        dual = {
            "step": lambda: 0 * y,
            "linear": lambda: y**2 / 2,
            "relu": lambda: y**2 / 2,
            "leaky_relu": lambda: np.where(y > 0, y**2 / 2, y**2 / 0.2),
            "steep_leaky_relu": lambda: np.where(y > 0, y**2 / 2, y**2 / 4),
            "sigmoid": lambda: special.xlogy(y, y) + special.xlog1py(1 - y, -y),
            "softmax": lambda: special.xlogy(y, y),
            "tanh": lambda: (special.xlog1py(1 + y, y) + special.xlog1py(1 - y, -y)) / 2,
            "arctan": lambda: -np.log(np.cos(y)),
            "softplus": lambda: _softplus_dual(y),
            "elu": lambda: np.where(y > 0, y**2 / 2, special.xlog1py(1 + y, y) - y),
            "low_elu": lambda: np.where(y > 0, y**2 / 2, special.xlog1py(2.5 + y, y / 2.5) - y),
        }[name]()
    return integral(name, ahat) + dual.sum(-1) - (y * ahat).sum(-1)


def _softplus_dual(y):
    a = np.log(np.expm1(np.clip(y, 1e-300, 700)))
    return np.where(y > 0, y * a - _softplus_integral(a), 0)


@contextlib.contextmanager
def double_precision():
    """Float64 arithmetic, which JAX, and Keras but on TensorFlow, allow only when told."""
    with wide_floats() if keras.backend.backend() != "tensorflow" else contextlib.nullcontext():
        if keras.backend.backend() != "jax":
            yield
            return
        import jax

        known = hasattr(jax, "enable_x64")
        with jax.enable_x64(True) if known else jax.experimental.enable_x64():
            yield


def compiled(function):
    """The function as one XLA program; skips the test where there is no XLA."""
    if keras.backend.backend() == "torch":
        pytest.skip("torch has no XLA")
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, jit_compile=True)
