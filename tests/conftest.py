"""What every test shares: the backend in the header, and Keras' global settings put back."""

import os
import sys
import tempfile

import pytest


def pytest_configure(config):
    """Lets JAX compile each program once a run: without a cache, every new model and every loop
    or condition outside jit compiles again what an equal one before it did.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder = tempfile.TemporaryDirectory(prefix="raikeras-tests-")
    config.add_cleanup(folder.cleanup)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


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
