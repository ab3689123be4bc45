"""How large the loss gradient is, by layer: `gradient_norms` and the callback `GradientNorms`."""

import math
from typing import Any

import keras
import numpy as np

from raikeras.diagnostics.probe import Probe, check_arrays, of_method
from raikeras.diagnostics.watch import GradientCallback
from raikeras.typing import Nest

PREFIX = "gradient_norm/"


def gradient_norms(
    model: keras.Model, x: Nest, y: Nest, sample_weight: Nest = None
) -> dict[str, float]:
    """The Euclidean norm of the loss gradient by each layer's trainable weights.

    Of a plain Keras model it is the gradient that a training step on these examples would take:
    that of the compiled loss with the model's own regularisation, in training mode. Nothing is
    changed by it, no weight, metric, moving statistic or seed.

    Of a `RelaxedModel` it is the gradient of its objective at the targets of its rule, which is
    what its weights follow: a relaxed layer's gradient is local, that of its own mismatch (and of
    the task loss, for layers behind the last cut). Rows need example ids, as in `fit`. Backprop's
    gradient of the same network is that of the compiled `net` itself.

    Args:
        model: A compiled Keras model.
        x: The model's inputs, arrays of `n` examples, taken in one piece; for a `RelaxedModel`
            with rows `{"inputs": x, "example_id": ids}`. Arrays that `fit` was given have the ids
            0, 1, ... in their order.
        y: What the loss compares the outputs with, `n` examples.
        sample_weight: Weights of the examples or `None`.

    Returns:
        Dict from layer name (its path, where several layers share the name) to float, in the
        model's order; layers without trainable weights are left out.

    Raises:
        ValueError: If `model` is not compiled, `y` is missing, the numbers of examples differ or
            a `RelaxedModel` with rows gets no ids.
    """
    check_arrays(x, y, sample_weight)
    return _norms(Probe(of_method, model, x, y, sample_weight).by_layer())


class GradientNorms(GradientCallback):
    """Watches the loss gradient of each layer during `fit`, on examples of your choice.

    Works in the `fit` of any Keras model; what is measured is said at `gradient_norms`. The norms
    are added to the logs as `gradient_norm/LAYER`, so that `History` holds them, and so does every
    callback behind this one: put `keras.callbacks.TensorBoard` there and it writes them, as
    `epoch_gradient_norm/LAYER`.

    Args:
        x: Inputs of the examples on which gradients are taken, arrays. The same ones throughout,
            a few hundred at most: they are taken in one piece.
        y: What the loss compares the outputs with.
        sample_weight: Weights of the examples or `None`.
        every: `"epoch"`, at the end of each, or an integer, a number of training steps; then the
            logs of an epoch have what was measured last.

    Attributes:
        history: Dict with `step`, the number of training steps before each measurement (0 first),
            and one list of norms for each `gradient_norm/LAYER`; of the last `fit`.

    Raises:
        ValueError: If `y` is missing, the numbers of examples differ or `every` is no positive
            integer and not `"epoch"`.

    Example:

    ```python
    norms = raikeras.callbacks.GradientNorms(x[:200], y[:200])
    history = model.fit(x, y, callbacks=[norms])
    history.history["gradient_norm/dense"]
    ```
    """

    gradients = staticmethod(of_method)

    def columns(self, by_layer: dict[str, Any]) -> dict[str, float]:
        return {PREFIX + name: norm for name, norm in _norms(by_layer).items()}


def _norms(by_layer: dict[str, Any]) -> dict[str, float]:
    """Norm by layer name."""
    squares = dict.fromkeys(by_layer, 0.0)
    for name, parts in by_layer.items():
        for (gradient,) in parts:  # `sum` would round otherwise from Python 3.12 on
            squares[name] += float(np.sum(np.square(gradient)))
    return {name: math.sqrt(value) for name, value in squares.items()}
