"""What functions must be to make a transfer function and its integral."""

from collections.abc import Callable

import numpy as np
from keras import ops

from raikeras.typing import Tensor

# Neighbours on the grid lie this far apart; rounding of F in float32, over it, is within SLACK.
STEP = 0.01
SLACK = 1e-3


def check(
    name: str, function: Callable[[Tensor], Tensor], integral: Callable[[Tensor], Tensor]
) -> None:
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


def _at(function: Callable[[Tensor], Tensor], x: np.ndarray) -> np.ndarray:
    value = ops.convert_to_numpy(function(ops.convert_to_tensor(x)))
    return np.asarray(value, "float64")
