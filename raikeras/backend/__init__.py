"""What differs between backends: the training step and the rows' gather and scatter."""

import importlib
from types import ModuleType

import keras

from raikeras.installed import SUPPORTED


def load_backend() -> ModuleType:
    """The step module of the running Keras backend.

    Raises:
        RuntimeError: If the backend is not supported.
    """
    name = keras.backend.backend()
    if name not in SUPPORTED:
        known = f"{', '.join(SUPPORTED[:-1])} and {SUPPORTED[-1]}"
        raise RuntimeError(
            f"raikeras runs on the Keras backends {known}. Received: backend='{name}'. Set the "
            "environment variable KERAS_BACKEND to one of them before Python imports Keras."
        )
    return importlib.import_module(f"raikeras.backend.{name}")
