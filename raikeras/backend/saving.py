"""Saving a model that several processes train, of which none can read what others hold."""

import contextlib
import functools
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
    if processes == 1:
        yield path
        return
    optimizers = [one for one in (optimizer, getattr(optimizer, "inner_optimizer", None)) if one]
    for one in optimizers:
        one.__dict__["save_own_variables"] = functools.partial(_save_variables, one)
    try:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder, Path(path).name) if number else path
    finally:
        for one in optimizers:
            del one.__dict__["save_own_variables"]
    load_backend().meet("saved")  # nobody loads what is not there yet


def _save_variables(optimizer: keras.optimizers.Optimizer, store: Any) -> None:
    """As Keras, of variables that no process can read alone."""
    for place, variable in enumerate(optimizer.variables):
        store[str(place)] = np.asarray(load_backend().whole(variable.value))
