"""`MatchingLoss`: the Bregman divergence that belongs to a transfer function, as a Keras loss."""

from typing import Any

import keras

from raikeras import transfer as transfers
from raikeras.losses.shapes import check_units
from raikeras.typing import Tensor


@keras.saving.register_keras_serializable(package="raikeras")
class MatchingLoss(keras.losses.Loss):
    """The matching loss of a transfer function, summed over units: its gradient is `f(ahat) - y`.

    `y_pred` is always the pre-activation `ahat`: the logits, from a layer without activation. With
    F the integral of f, the loss is the Bregman divergence
    `sum_u F(ahat_u) - F(a_u) - f(a_u) (ahat_u - a_u)` of F over the last axis, where `y_true` is
    the output `y = f(a)` or the pre-activation `a` itself. It is convex in `ahat`, and no
    derivative of f enters its gradient, so a saturated unit still learns. Reference: Amid et al.,
    LocoProp (2022, arXiv 2106.06199).

    Some of them have a name in Keras: `"linear"` is half the squared error, `"softmax"` is
    `CategoricalCrossentropy(from_logits=True)` minus the entropy of `y_true` (none for classes),
    and `"sigmoid"` is `BinaryCrossentropy(from_logits=True)` minus that entropy, summed over units
    where Keras takes their mean.

    Args:
        transfer: What `raikeras.transfer.get` takes: a `Transfer`, a name or a Keras activation.
            `None` stands for the activation of the layer, where the loss is a `hidden_loss`; only
            there can it be left out.
        targets: `"post_activation"` if `y_true` holds outputs; those outside the range of f are
            clipped to it. `"pre_activation"` if it holds pre-activations.
        reduction: How examples are put together, see `keras.losses.Loss`.
        name: Name of the loss.
        dtype: Dtype of its arithmetic, see `keras.losses.Loss`.

    Raises:
        ValueError: If the transfer function or `targets` is unknown, or the loss is called without
            a transfer function.

    Example:

    ```python
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    net.compile("adam", raikeras.losses.MatchingLoss("softmax"))
    ```
    """

    # As a hidden loss: `call` gives a sum over the last axis, whatever axes stand before it, so one
    # call serves all layers of a chain, and the sum over a feature map's places is an example's.
    sums_units = True

    def __init__(
        self,
        transfer: Any = None,
        targets: str = "post_activation",
        reduction: str = "sum_over_batch_size",
        name: str = "matching_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if targets not in ("post_activation", "pre_activation"):
            raise ValueError(
                '`targets` must be "post_activation" or "pre_activation". '
                f"Received: targets={targets!r}"
            )
        self.transfer = None if transfer is None else transfers.get(transfer)
        self.targets = targets

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The loss of each example, of shape `(batch, ...)` without the last axis."""
        if self.transfer is None:
            raise ValueError(
                "`transfer` must be given where the loss is called outside a RelaxedModel. "
                "Received: transfer=None"
            )
        check_units(type(self).__name__, y_true, y_pred)
        if self.targets == "pre_activation":
            return self.transfer.matching_loss(y_true, y_pred)
        return self.transfer.matching_loss_of_output(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        transfer = self.transfer and keras.saving.serialize_keras_object(self.transfer)
        return {**super().get_config(), "transfer": transfer, "targets": self.targets}
