"""What every test shares: the backend in the header, and Keras' global settings put back."""

import os
import sys

import pytest


def pytest_report_header():
    return f"KERAS_BACKEND: {os.environ.get('KERAS_BACKEND', 'tensorflow')}"


@pytest.fixture(autouse=True)
def _keras_settings_put_back():
    """Restores floatx and dtype policy; pipeline tests, which never import Keras, stay fast."""
    if "keras" not in sys.modules:
        yield
        return
    keras = sys.modules["keras"]
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)
