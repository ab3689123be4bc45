"""`BiTempered`: cross-entropy that outliers and wrong labels pull less."""

from numbers import Real
from typing import Any

import keras
from keras import ops

from raikeras.checks import check_integer
from raikeras.losses.shapes import check_units
from raikeras.typing import Tensor


@keras.saving.register_keras_serializable(package="raikeras")
class BiTempered(keras.losses.Loss):
    """Bi-tempered logistic loss: a bounded loss (`t1 < 1`) of heavy-tailed softmax (`t2 > 1`).

    With `log_t(x) = (x^(1 - t) - 1) / (1 - t)` and its inverse `exp_t`, the probabilities are
    `p = exp_t2(logits - norm)`, where `norm` makes them sum to one, and the loss is
    `sum_i y_i (log_t1 y_i - log_t1 p_i) - (y_i^(2 - t1) - p_i^(2 - t1)) / (2 - t1)` over the last
    axis: a Bregman divergence, zero where `p = y`. `t1 = t2 = 1` is softmax cross-entropy (minus
    the entropy of `y_true`). Reference: Amid, Warmuth, Anil and Koren (2019, arXiv 1906.03361).

    `norm` is found by Newton's method on a concave function, which climbs to it without
    overshooting: 8 steps reach float32 up to `t2 = 5`, where the fixed-point iteration of the
    reference may need a hundred with many classes. Its gradient is the escort distribution
    `p_i^t2 / sum_j p_j^t2`, by implicit differentiation.

    Args:
        t1: Float from 0 to 1: the smaller, the lower the bound on the loss of one example.
        t2: Float of 1 or more: the larger, the heavier the tail of the probabilities.
        from_logits: Whether `y_pred` holds logits; else probabilities, and `t2` is not used.
        label_smoothing: Float from 0 to 1, the part of `y_true` that is spread evenly.
        iterations: Positive integer, Newton steps without gradient; two with it follow.
        reduction: How examples are put together, see `keras.losses.Loss`.
        name: Name of the loss.
        dtype: Dtype of its arithmetic, see `keras.losses.Loss`.

    Raises:
        ValueError: If an argument is out of its range.

    Example:

    ```python
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    net.compile("adam", raikeras.losses.BiTempered(t1=0.8, t2=1.4, label_smoothing=0.1))
    ```
    """

    def __init__(
        self,
        t1: float,
        t2: float,
        from_logits: bool = True,
        label_smoothing: float = 0.0,
        iterations: int = 8,
        reduction: str = "sum_over_batch_size",
        name: str = "bi_tempered",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        _check_between("t1", t1, 0, 1)
        _check_between("t2", t2, 1, None)
        _check_between("label_smoothing", label_smoothing, 0, 1)
        check_integer("iterations", iterations, 1)
        self.t1, self.t2 = float(t1), float(t2)
        self.from_logits = from_logits
        self.label_smoothing = float(label_smoothing)
        self.iterations = int(iterations)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each example, of shape `(batch, ...)` without the last axis."""
        check_units(type(self).__name__, y_true, y_pred)
        y = ops.cast(y_true, y_pred.dtype)
        if self.label_smoothing:
            y = y * (1 - self.label_smoothing) + self.label_smoothing / y.shape[-1]
        if self.from_logits:
            log_p = self.log_probabilities(y_pred)
        else:
            # Where a class is ruled out its loss is large and not infinite, as in Keras' own.
            least = ops.full_like(y_pred, keras.config.epsilon())
            log_p = ops.log(ops.where(y_pred < least, least, y_pred))
        positive = y > 0
        log_y = ops.log(ops.where(positive, y, ops.ones_like(y)))
        own = y * (_tempered(log_y, self.t1) - _tempered(log_p, self.t1))
        power = 2 - self.t1
        rest = ops.where(positive, ops.exp(power * log_y), ops.zeros_like(y))
        rest = (rest - ops.exp(power * log_p)) / power
        value = ops.sum(own - rest, axis=-1)
        # Rounding leaves small negative numbers; taking them away must not touch the gradient.
        return value + ops.stop_gradient(ops.where(value < 0, -value, ops.zeros_like(value)))

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """The logarithms of the heavy-tailed softmax, `(..., classes)`."""
        if self.t2 == 1:
            return ops.log_softmax(logits, axis=-1)
        # From the largest logit on: beside large logits a small rest of the norm would be lost.
        logits = logits - ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
        norm, fixed = ops.zeros_like(logits[..., :1]), ops.stop_gradient(logits)
        for _ in range(self.iterations):
            norm = self._climb(norm, fixed)
        # At the solution one more step has its first derivative, and two have the second as well.
        for _ in range(2):
            norm = self._climb(norm, logits)
        return self._log_exp(logits - norm)

    def _climb(self, norm: Tensor, logits: Tensor) -> Tensor:
        """One Newton step towards what makes the probabilities sum to one, `(..., 1)`."""
        log_p = self._log_exp(logits - norm)
        total = ops.sum(ops.exp(log_p), axis=-1, keepdims=True)
        slope = ops.sum(ops.exp(self.t2 * log_p), axis=-1, keepdims=True)
        return norm + ops.expm1((self.t2 - 1) * ops.log(total)) / (self.t2 - 1) * total / slope

    def _log_exp(self, x: Tensor) -> Tensor:
        """log exp_t2(x) for x <= 0, t2 > 1."""
        return -ops.log1p((1 - self.t2) * x) / (self.t2 - 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "t1": self.t1,
            "t2": self.t2,
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "iterations": self.iterations,
        }


def _tempered(log_x: Tensor, t: float) -> Tensor:
    """log_t(x), from log(x)."""
    return log_x if t == 1 else ops.expm1((1 - t) * log_x) / (1 - t)


def _check_between(name: str, value: Any, low: float, high: float | None) -> None:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not low <= value < float("inf") or (high is not None and value > high):
        wanted = f"of {low} or more" if high is None else f"from {low} to {high}"
        raise ValueError(f"`{name}` must be a float {wanted}. Received: {name}={value!r}")
