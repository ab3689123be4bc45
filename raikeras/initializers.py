"""Starting values with which very deep nets can be trained.

`isometric_start` is for sigmoid and tanh nets, `depth_mup` for residual ones.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from raikeras.backend.keras_internals import graph_nodes, sublayers
from raikeras.network.links import ResidualLink, Wiring, residual_link
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


def depth_mup(net: keras.Model, seed: int | None = None) -> keras.Model:
    """Sets weights and scales of a residual net to the Depth-muP parameterisation.

    Kernels are drawn from N(0, 1), biases are zero, and what keeps signals and updates of one size
    whatever the width N and the number of layers L, the first and the last included, are the
    scales: D^(-1/2) behind the first Dense layer, with D its inputs, (N L)^(-1/2) behind the Dense
    layer of each block, 1 / N behind the last (Yang et al., 2024, arXiv 2310.02244; Bordelon et
    al., 2024, arXiv 2309.16620; as in muPC, Innocenti et al., 2025, arXiv 2505.13124). The scales
    are those of the net's `Rescaling` layers, whatever they were before; they are saved with it.
    A learning rate of Adam found at one width and depth serves at others.

    Args:
        net: A built Functional model: a Dense layer, residual blocks of one number of units, a
            Dense layer, each Dense layer followed by a `keras.layers.Rescaling`. A block is
            `Add()([h, Rescaling(1.0)(Dense(units)(Activation(f)(h)))])`, its Activation may be
            missing. Changed in place. After the change of scales a compiled plain Keras model
            has to be compiled again; a `RelaxedModel` notices.
        seed: Integer, makes the draw repeatable.

    Returns:
        `net` itself.

    Raises:
        ValueError: If `net` is another.

    Example:

    ```python
    inputs = keras.Input((64,))
    h = keras.layers.Rescaling(1.0)(keras.layers.Dense(128)(inputs))
    for _ in range(100):
        branch = keras.layers.Dense(128)(keras.layers.Activation("tanh")(h))
        h = keras.layers.Add()([h, keras.layers.Rescaling(1.0)(branch)])
    outputs = keras.layers.Dense(10)(keras.layers.Activation("tanh")(h))
    net = keras.Model(inputs, keras.layers.Rescaling(1.0)(outputs))
    raikeras.initializers.depth_mup(net, seed=0)
    ```
    """
    first, blocks, last = residual_parts(net)
    inputs, units = first[0].kernel.shape
    within = (units * (len(blocks) + 2)) ** -0.5
    scales = [inputs**-0.5, *[within] * len(blocks), 1 / units]
    rng = np.random.default_rng(seed)
    parts = [first, *((block.dense, block.rescaling) for block in blocks), last]
    for (dense, rescaling), scale in zip(parts, scales, strict=True):
        dense.kernel.assign(rng.standard_normal(dense.kernel.shape))
        if dense.use_bias:
            dense.bias.assign(np.zeros(dense.bias.shape))
        rescaling.scale = scale
    return net


class ResidualParts(NamedTuple):
    """The parts of a net as `depth_mup` wants it; an end is a Dense and the Rescaling behind it."""

    first: tuple[keras.layers.Dense, keras.layers.Rescaling]
    blocks: list[ResidualLink]
    last: tuple[keras.layers.Dense, keras.layers.Rescaling]


def residual_parts(net: keras.Model) -> ResidualParts:
    """The parts of a net as `depth_mup` wants it.

    Raises:
        ValueError: If `net` is another.
    """
    dense = [layer for layer in sublayers(net) if isinstance(layer, keras.layers.Dense)]
    blocks: list[ResidualLink] = []
    scaled: dict[int, keras.layers.Rescaling] = {}
    for graph, nodes in graph_nodes(net):
        wiring = Wiring(graph, nodes)
        blocks += [link for node in nodes if (link := residual_link(node, wiring))]
        behind = {id(node.operation): wiring.behind(node) for node in nodes}
        scaled |= {key: one for key, one in behind.items() if type(one) is keras.layers.Rescaling}
    within = {id(block.dense) for block in blocks}
    ends = [layer for layer in dense if id(layer) not in within]
    units = {block.dense.units for block in blocks}
    if (
        len(ends) != 2
        or len(units) != 1
        or any(id(layer) not in scaled for layer in dense)
        or any(layer.activation is not keras.activations.linear for layer in ends)
        or {ends[0].units, ends[1].kernel.shape[0]} != units
        or len({id(scaled[id(layer)]) for layer in dense}) < len(dense)
    ):
        raise ValueError(
            "`net` must be a linear Dense layer, residual blocks of one number of units and a "
            "linear Dense layer, each Dense layer followed by a `keras.layers.Rescaling` of its "
            "own. Write a block as `Add()([h, Rescaling(1.0)(Dense(units)(Activation(f)(h)))])`, "
            "of Keras' own layers, and an activation of the outputs behind their Rescaling. "
            f"Received: net={net.name} with {len(dense)} Dense layers, {len(within)} of them in "
            f"blocks, of units {sorted(units)}, and {sum(id(one) in scaled for one in dense)} of "
            "them followed by a Rescaling"
        )
    first, last = ((layer, scaled[id(layer)]) for layer in ends)
    return ResidualParts(first, blocks, last)


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
