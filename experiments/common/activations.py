"""Activations with their derivatives, in NumPy, Keras and JAX."""

from typing import NamedTuple

import jax
import keras
import numpy as np
from scipy.special import expit


class Function(NamedTuple):
    """An activation and its derivative in NumPy, and what Keras and JAX call it."""

    f: object
    slope: object
    keras: object
    jax: object
    positive: bool = False  # a chain with negative values would be cut off


FUNCTIONS = {
    "sigmoid": Function(expit, lambda z: expit(z) * expit(-z), "sigmoid", jax.nn.sigmoid),
    "tanh": Function(np.tanh, lambda z: 1 - np.tanh(z) ** 2, "tanh", jax.numpy.tanh),
    "relu": Function(
        lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > 0), "relu", jax.nn.relu, positive=True
    ),
    "arctan": Function(np.arctan, lambda z: 1 / (1 + z**2), keras.ops.arctan, jax.numpy.arctan),
    "elu": Function(
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.exp(np.minimum(z, 0)),
        "elu",
        jax.nn.elu,
    ),
}


def function(name):
    """An entry of `FUNCTIONS`."""
    if name not in FUNCTIONS:
        raise ValueError(
            f"`activation` must be one of {', '.join(FUNCTIONS)}. Received: activation={name!r}"
        )
    return FUNCTIONS[name]
