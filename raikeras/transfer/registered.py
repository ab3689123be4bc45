"""`Registered`: what `raikeras.transfer.register` makes of plain functions, and their check."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from raikeras.transfer.base import Transfer

# Neighbours on the grid lie this far apart; rounding of F in float32, over it, is within SLACK.
STEP = 0.01
SLACK = 1e-3


@keras.saving.register_keras_serializable(package="raikeras")
class Registered(Transfer):
    """A transfer function by its name in the registry, made of functions of each unit alone.

    It is saved as its name: the process that loads it has to register the name first.
    """

    def __init__(
        self,
        name: str,
        function: Callable,
        integral: Callable,
        divergence: Callable | None = None,
        dual: Callable | None = None,
        inverse: Callable | None = None,
        low: float | None = None,
        high: float | None = None,
    ):
        self.name, self.low, self.high = name, low, high
        self.has_dual, self.has_inverse = dual is not None, inverse is not None
        self._function, self._integral = function, integral
        self._divergence, self._dual, self._inverse = divergence, dual, inverse

    def __call__(self, x):
        return self._function(x)

    def integral(self, x):
        return ops.sum(self._integral(x), axis=-1)

    def dual(self, y):
        if self._dual is None:
            return super().dual(y)
        return ops.sum(self._dual(self.clip(y)), axis=-1)

    def inverse(self, y):
        if self._inverse is None:
            return super().inverse(y)
        return self._inverse(self.clip(y))

    def divergence(self, a, ahat):
        if self._divergence is None:
            return super().divergence(a, ahat)
        return ops.sum(self._divergence(a, ahat), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict):
        from raikeras.transfer.registry import get  # it imports this module

        return get(config["name"])


def check(name: str, function: Callable, integral: Callable) -> None:
    """Raises a `ValueError` unless `function` is nondecreasing and the slope of `integral`.

    Looks at a grid from -5 to 5. Between neighbours a nondecreasing slope lies between its two
    ends, so jumps and kinks pass.
    """
    grid = np.arange(-5, 5 + STEP / 2, STEP).astype("float32")
    f, total = _at(function, grid), _at(integral, grid)
    for which, value, call in (("function", f, function), ("integral", total, integral)):
        if value.shape != grid.shape or not np.all(np.isfinite(value)):
            raise ValueError(
                f"`{which}` of '{name}' must give a finite number for every number from -5 to 5. "
                f"Received: shape {value.shape} for shape {grid.shape}, "
                f"{int(np.sum(~np.isfinite(value)))} numbers not finite"
            )
        if not np.allclose(_at(call, grid[:, None])[:, 0], value, rtol=1e-4, atol=1e-4):
            raise ValueError(
                f"`{which}` of '{name}' must act on each unit alone. Received: one whose value "
                "depends on the other units. Write a subclass of `raikeras.transfer.Transfer`"
            )
    slack = SLACK * (1 + np.abs(f[:-1]) + np.abs(total[:-1]))
    falls = np.diff(f) < -slack * STEP
    if np.any(falls):
        place = grid[np.argmax(falls)]
        raise ValueError(
            f"`function` of '{name}' must be nondecreasing: it has no convex integral otherwise. "
            f"Received: one that decreases at x = {place:.2f}"
        )
    slope = np.diff(total) / np.diff(grid.astype("float64"))
    wrong = (slope < f[:-1] - slack) | (slope > f[1:] + slack)
    if np.any(wrong):
        place = np.argmax(wrong)
        raise ValueError(
            f"`integral` of '{name}' must have the slope `function`. Received: slope "
            f"{slope[place]:.4g} at x = {grid[place]:.2f}, where `function` is {f[place]:.4g}"
        )


def _at(function: Callable, x: np.ndarray) -> np.ndarray:
    value = ops.convert_to_numpy(function(ops.convert_to_tensor(x)))
    return np.asarray(value, "float64")
