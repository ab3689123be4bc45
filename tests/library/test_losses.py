"""HalfSquaredError against NumPy: its value, its gradient, its reductions."""

import keras
import numpy as np
import pytest
from keras import ops

from raikeras.backend import load_backend
from raikeras.losses import HalfSquaredError

RNG = np.random.default_rng(0)
TARGET, OWN = RNG.normal(size=(2, 5, 3)).astype("float32")


def test_it_is_half_the_squares_summed_over_units_and_by_default_over_examples():
    assert float(HalfSquaredError()(TARGET, OWN)) == pytest.approx(
        np.sum((TARGET - OWN) ** 2) / 2, rel=1e-6
    )
    found = float(HalfSquaredError("sum_over_batch_size")(TARGET, OWN))
    assert found == pytest.approx(np.sum((TARGET - OWN) ** 2) / 2 / 5, rel=1e-6)
    weights = np.array([0.0, 2.0, 1.0, 0.5, 3.0], "float32")
    found = float(HalfSquaredError()(TARGET, OWN, weights))
    expected = np.sum(weights[:, None] * (TARGET - OWN) ** 2) / 2
    assert found == pytest.approx(expected, rel=1e-6)


def test_its_gradient_is_the_error():
    found = load_backend().gradient(
        lambda own: HalfSquaredError()(ops.convert_to_tensor(TARGET), own),
        ops.convert_to_tensor(OWN),
    )
    np.testing.assert_allclose(ops.convert_to_numpy(found), OWN - TARGET, rtol=1e-6)


def test_it_survives_its_config():
    loss = HalfSquaredError("sum_over_batch_size", name="mismatch")
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, HalfSquaredError)
    assert again.get_config() == loss.get_config()
    assert float(again(TARGET, OWN)) == float(loss(TARGET, OWN))
