"""Saving a model that several processes train, of which none can read what others hold."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from raikeras.backend import load_backend


@contextlib.contextmanager
def saved_by_the_first_process(model: keras.Model, path: Any) -> Iterator[Any]:
    """While it lasts, a model can be saved whose optimizer has variables on others' devices.

    Yields:
        Where this process saves: `path`, but a place that is thrown away in all but the first one,
        for they have to read with it.
    """
    number, processes = load_backend().processes()
    optimizer = getattr(model, "optimizer", None)
    if processes == 1 or optimizer is None:
        yield path
        return

    def save_own_variables(store: Any) -> None:
        for place, variable in enumerate(optimizer.variables):
            store[str(place)] = np.asarray(load_backend().whole(variable.value))

    optimizer.__dict__["save_own_variables"] = save_own_variables
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder, Path(path).name) if number else path
    finally:
        del optimizer.__dict__["save_own_variables"]
