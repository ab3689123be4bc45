"""How the method's gradient compares with backprop's: the callback `GradientAlignment`."""

import math
from typing import Any

import numpy as np

from raikeras.diagnostics.probe import of_method_and_backprop
from raikeras.diagnostics.watch import GradientCallback

COSINE, RATIO = "gradient_cosine", "gradient_ratio"


class GradientAlignment(GradientCallback):
    """Watches how a `RelaxedModel`'s gradient compares with backprop's, by layer, during `fit`.

    Both are taken at the same weights, on the same examples, with the same dropout masks and batch
    statistics, and nothing is changed by it. The method's gradient is that of the objective at the
    targets of its rule, which is what the weights follow (with `Local`, in the first of its
    steps), as in `GradientNorms`; backprop's is that of the compiled loss of the same net in
    training mode, with the net's own regularisation in both.

    The logs get `gradient_cosine/LAYER`, the cosine of the two gradients by all of the layer's
    trainable weights together, `gradient_ratio/LAYER`, the norm of the method's over that of
    backprop's, and `gradient_cosine` and `gradient_ratio` of the whole network. By SGD a layer with
    cosine 1 goes backprop's way, at `gradient_ratio` times its speed; one with ratio 0 does not
    learn, whatever the layers above it make of the accuracy. Where nothing is relaxed, and in any
    plain Keras model, the two are one gradient and both columns 1.

    There is no cosine where a gradient is zero, or not finite: it is NaN there. The ratio is 0
    where the method's gradient alone is zero, and NaN where backprop's is, or one is not finite.
    With `Learned` rows start at the forward pass: at first a relaxed layer has no gradient but
    that of its regularisation. Where a mismatch is as small as rounding, so is the ratio, and the
    cosine says nothing.

    Args:
        x: Inputs of the examples on which gradients are taken, arrays. The same ones throughout,
            a few hundred at most: they are taken in one piece. For a `RelaxedModel` with rows
            `{"inputs": x, "example_id": ids}`; arrays that `fit` was given have the ids 0, 1, ...
            in their order.
        y: What the loss compares the outputs with.
        sample_weight: Weights of the examples or `None`.
        every: `"epoch"`, at the end of each, or an integer, a number of training steps; then the
            logs of an epoch have what was measured last.

    Attributes:
        history: Dict with `step`, the number of training steps before each measurement (0 first),
            and one list of floats for each column; of the last `fit`.

    Raises:
        ValueError: If `y` is missing, the numbers of examples differ or `every` is no positive
            integer and not `"epoch"`; in `fit`, if the model has rows and `x` no ids.

    Example:

    ```python
    model = raikeras.RelaxedModel(net, targets=raikeras.Inferred(10))
    model.compile("sgd", "mean_squared_error")
    alignment = raikeras.callbacks.GradientAlignment(x[:200], y[:200])
    history = model.fit(x, y, epochs=2, callbacks=[alignment])
    history.history["gradient_cosine/dense"]
    ```
    """

    gradients = staticmethod(of_method_and_backprop)

    def columns(self, by_layer: dict[str, Any]) -> dict[str, float]:
        flat = {name: _joined(parts) for name, parts in by_layer.items()}
        cosine, ratio = _compared(*_joined(flat.values()))
        found = {COSINE: cosine, RATIO: ratio}
        for name, pair in flat.items():
            found[f"{COSINE}/{name}"], found[f"{RATIO}/{name}"] = _compared(*pair)
        return found


def _joined(pairs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of gradients as one pair of vectors."""
    method, backprop = [np.zeros(0)], [np.zeros(0)]
    for one, other in pairs:
        method.append(one.ravel())
        backprop.append(other.ravel())
    return np.concatenate(method), np.concatenate(backprop)


def _compared(method: np.ndarray, backprop: np.ndarray) -> tuple[float, float]:
    """The cosine of two vectors and the ratio of their norms; equal ones have 1 and 1, exactly."""
    largest, other = (float(np.max(np.abs(one), initial=0.0)) for one in (method, backprop))
    if not (0 < largest < math.inf and 0 < other < math.inf):
        only_ours = largest == 0 and 0 < other < math.inf
        return math.nan, 0.0 if only_ours else math.nan
    method, backprop = method / largest, backprop / other  # no square of theirs underflows
    squares, others = float(np.sum(np.square(method))), float(np.sum(np.square(backprop)))
    cosine = float(np.sum(method * backprop)) / math.sqrt(squares * others)
    return max(-1.0, min(1.0, cosine)), largest / other * math.sqrt(squares / others)
