"""`isometric_start`: starting values with which very deep sigmoid and tanh nets can be trained."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from raikeras.backend.keras_internals import sublayers
from raikeras.typing import Tensor


def isometric_start(
    net: keras.Model, gain: float | None = None, seed: int | None = None
) -> keras.Model:
    """Sets the kernels and biases of a net's Dense layers so that signals keep their size.

    Each kernel is orthogonal and scaled by `gain` over the slope at zero of the activation that
    feeds it (1/4 for sigmoid, 1 for tanh), and each bias is minus the layer's answer to that
    activation's value at zero: for a sigmoid layer minus half of the kernel's column sum. The first
    Dense layer, fed by the data, gets an orthogonal kernel times 6 and a bias drawn from
    U(-2, 2). With Keras' defaults a sigmoid signal dies out after about ten layers.

    Args:
        net: A built Sequential or Functional model in which each Dense layer is fed by the
            Dense layer before it. Changed in place.
        gain: Float, the factor by which a small signal grows per layer, before saturation.
            `None` takes `1 + 30 / depth`, at most 1.25, with depth the number of Dense layers.
        seed: Integer, makes the draw repeatable.

    Returns:
        `net` itself.

    Raises:
        ValueError: If `net` has no built Dense layer or `gain` is not positive.

    Example:

    ```python
    raikeras.initializers.isometric_start(net, seed=0)
    ```
    """
    dense = [layer for layer in sublayers(net) if isinstance(layer, keras.layers.Dense)]
    if not dense or not all(layer.built for layer in dense):
        raise ValueError(
            "`net` must have Dense layers, and they must be built (give it a `keras.Input`). "
            f"Received: net={net.name} with {len(dense)} Dense layers"
        )
    if gain is None:
        gain = 1 + min(0.25, 30 / len(dense))
    if not gain > 0:
        raise ValueError(f"`gain` must be positive. Received: gain={gain}")
    rng = np.random.default_rng(seed)
    at_zero, scale = None, 6.0
    for layer in dense:
        kernel = scale * _orthogonal(rng, layer.kernel.shape)
        if at_zero is None:
            bias = rng.uniform(-2, 2, layer.units)
        else:
            bias = -at_zero * kernel.sum(axis=0)
        layer.kernel.assign(kernel)
        if layer.use_bias:
            layer.bias.assign(bias)
        at_zero, slope = _value_and_slope(layer.activation)
        scale = gain / slope
    return net


def _orthogonal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Orthonormal rows or columns, whichever are fewer, of shape `(inputs, units)`."""
    q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    q = q * np.sign(np.diag(r))  # without this the draw is not uniform over the group
    return q if shape[0] >= shape[1] else q.T


def _value_and_slope(activation: Callable[[Tensor], Tensor]) -> tuple[float, float]:
    """An elementwise activation's value and slope at zero, by central difference."""
    step = 1e-2
    low, middle, high = (
        float(ops.convert_to_numpy(activation(ops.full((1, 1), value)))[0, 0])
        for value in (-step, 0.0, step)
    )
    slope = (high - low) / (2 * step)
    return middle, slope if slope > 0 else 1.0
