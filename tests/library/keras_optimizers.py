"""Optimizers of Keras that its older versions cannot use on every backend."""

import keras
import pytest
from keras import ops


def skip_if_broken(optimizer) -> None:
    """Skips the test if the optimizer does not move a plain variable either."""
    fresh = type(optimizer).from_config(optimizer.get_config())
    weight = keras.Variable(ops.ones((2, 2)), name="kernel")
    fresh.build([weight])
    try:
        fresh.apply([ops.ones((2, 2))])
    except AttributeError as error:
        pytest.skip(f"Keras {keras.__version__} cannot train with {optimizer.name}: {error}")
