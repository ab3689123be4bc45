"""The layer-wise Fisher information by local sampling; used by `diagnostics`."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from raikeras import transfer
from raikeras.checks import check_integer
from raikeras.network.cut import calls_replaced, can_cut_before_activation
from raikeras.network.select_layers import choose_layers
from raikeras.typing import Nest, Tensor


def layer_fisher(
    net: keras.Model, x: Nest, samples: int = 1, seed: int | None = None
) -> dict[str, list[np.ndarray]]:
    """The diagonal of every Dense layer's Fisher information, from labels drawn at each layer.

    A transfer function whose integral is the log-partition function of an exponential family makes
    each layer a probabilistic model of its own output: normal with variance 1 (linear), Bernoulli
    (sigmoid), of the values -1 and 1 (tanh), categorical (softmax). Drawing y from it, the gradient
    of the layer's matching loss is `(f(ahat) - y) x'`, and the mean of its square over examples and
    draws estimates the Fisher information of the layer with its inputs given. No backward pass is
    taken. A layer that is applied to a sequence counts every place as an example. Amid et al.
    (LocoProp, 2022) name this as further work.

    Args:
        net: A built Sequential or Functional model; each Dense layer is called once.
        x: The net's inputs, arrays of `n` examples.
        samples: Integer, draws for each example.
        seed: Integer, seed of the draws.

    Returns:
        Dict from layer name to a list of float64 arrays with the shapes of kernel and, if there is
        one, bias.

    Raises:
        ValueError: If `samples` is no positive integer, a layer's activation is none of these or a
            layer is called several times.
    """
    check_integer("samples", samples, 1)
    rng = np.random.default_rng(seed)
    layers = choose_layers(net, keras.layers.Dense)
    for layer in layers:
        if not can_cut_before_activation(layer):
            raise ValueError(
                "Each Dense layer must end in its activation, as Keras' own does. Received: layer "
                f"`{layer.name}` ({type(layer).__name__}) with a `call` of its own"
            )
    draws = {layer.name: _draw_of(layer) for layer in layers}
    inputs: dict[str, Any] = {}

    def run(layer: keras.Layer, fed: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if layer.name in inputs:
            raise ValueError(
                f"Each Dense layer must be called once. Received: layer `{layer.name}`, called "
                "several times"
            )
        inputs[layer.name] = fed
        return type(layer).call(layer, fed, *args, **kwargs)

    # In a scope of its own, so that no state of a recurrent layer follows the pass.
    with calls_replaced(layers, run), keras.StatelessScope():
        net(x, training=False)
    found = {}
    for layer in layers:
        fed = keras.ops.convert_to_numpy(inputs[layer.name])
        kernel, *bias = (weight.astype("float64") for weight in layer.get_weights())
        fed = fed.reshape(-1, fed.shape[-1]).astype("float64")
        own = (fed @ kernel + (bias[0] if bias else 0)).astype("float32")
        output = keras.ops.convert_to_numpy(layer.activation(own)).astype("float64")
        error = [(output - draws[layer.name](rng, output)) ** 2 for _ in range(samples)]
        squared = np.mean(error, axis=0)
        by_kernel = (fed**2).T @ squared / len(fed)
        found[layer.name] = [by_kernel, squared.mean(axis=0)] if bias else [by_kernel]
    return found


def _draw_of(layer: keras.Layer) -> Callable[[np.random.Generator, np.ndarray], np.ndarray]:
    """A function (generator, outputs) -> labels, drawn from the layer's own distribution."""
    try:
        name = transfer.get(layer.activation).name
    except ValueError:
        name = None
    if name not in _DRAWS:
        raise ValueError(
            f"Labels can be drawn at layers with the activations {sorted(_DRAWS)}. Received: layer "
            f"`{layer.name}` with activation={layer.activation!r}"
        )
    return _DRAWS[name]


def _of_classes(rng: np.random.Generator, output: np.ndarray) -> np.ndarray:
    edges = np.cumsum(output, axis=-1)
    chosen = np.sum(rng.random((*output.shape[:-1], 1)) * edges[..., -1:] > edges, axis=-1)
    return np.eye(output.shape[-1])[chosen]


_DRAWS = {
    "linear": lambda rng, output: rng.normal(output),
    "sigmoid": lambda rng, output: rng.random(output.shape) < output,
    "tanh": lambda rng, output: np.where(rng.random(output.shape) < (1 + output) / 2, 1.0, -1.0),
    "softmax": _of_classes,
}
