"""What a trained network decides, and how much runs differ in it."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import keras
import numpy as np


class Landscape(NamedTuple):
    """A deployed network's output on a grid.

    Attributes:
        axis: Array of shape `(resolution,)`, the grid's coordinates along either input.
        values: Array of shape `(resolution, resolution)`, rows along the second input.
    """

    axis: np.ndarray
    values: np.ndarray


def decision_landscape(
    net: keras.Model,
    low: float = -3.0,
    high: float = 3.0,
    resolution: int = 100,
    batch_size: int = 2048,
) -> Landscape:
    """Output of a net with two inputs and one output on a square grid.

    Args:
        net: A `keras.Model` from shape `(batch, 2)` to `(batch, 1)`; of a `RelaxedModel` the
            deployed network is shown.
        low: Float, smallest coordinate.
        high: Float, largest coordinate.
        resolution: Integer, grid points a side.
        batch_size: Integer, points per call of the net.

    Returns:
        A `Landscape`.
    """
    axis = np.linspace(low, high, resolution)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    values = net.predict(points.astype("float32"), batch_size=batch_size, verbose=0)
    return Landscape(axis, np.asarray(values).reshape(resolution, resolution))


def boundary_disagreement(landscapes: Sequence[np.ndarray], threshold: float = 0.5) -> float:
    """How much decision boundaries differ: the mean share of the grid on which two runs disagree.

    Args:
        landscapes: At least two arrays of one shape, network outputs on the same grid.
        threshold: Float, outputs above it are class 1.

    Returns:
        Float in [0, 1], the mean over all pairs.

    Raises:
        ValueError: For fewer than two landscapes.
    """
    if len(landscapes) < 2:
        raise ValueError(
            f"`landscapes` must hold two runs or more. Received: {len(landscapes)} of them"
        )
    classes = [np.asarray(values) > threshold for values in landscapes]
    return float(np.mean([np.mean(a != b) for a, b in combinations(classes, 2)]))
