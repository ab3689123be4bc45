"""`HalfSquaredError`: the squared error as LocoProp-S has it."""

from typing import Any

import keras
from keras import ops

from raikeras.typing import Tensor


@keras.saving.register_keras_serializable(package="raikeras")
class HalfSquaredError(keras.losses.Loss):
    """Half the squared error, summed over units: its gradient is the error itself.

    `1/2 sum_u (y_true_u - y_pred_u)^2` over the last axis, by default summed over examples (and
    over the places of a feature map) too, as LocoProp-S has it (Amid et al., 2022).

    Args:
        reduction: How examples are put together, see `keras.losses.Loss`.
        name: Name of the loss.
        dtype: Dtype of its arithmetic, see `keras.losses.Loss`.

    Example:

    ```python
    model = raikeras.RelaxedModel(
        net, targets=raikeras.Gradient(1.0), hidden_loss=raikeras.losses.HalfSquaredError()
    )
    ```
    """

    # As a hidden loss: `call` gives a sum over the last axis, whatever axes stand before it, so one
    # call serves all layers of a chain, and the sum over a feature map's places is an example's.
    sums_units = True

    def __init__(
        self, reduction: str = "sum", name: str = "half_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each example, of shape `(batch, ...)` without the last axis."""
        return ops.sum(ops.square(ops.cast(y_true, y_pred.dtype) - y_pred), axis=-1) / 2
