"""The check that targets have the shape of what they are compared with."""

from raikeras.typing import Tensor


def check_units(name: str, y_true: Tensor, y_pred: Tensor) -> None:
    """Raises a `ValueError` unless both have as many units: class numbers would be broadcast."""
    if y_true.shape[-1] != y_pred.shape[-1]:
        raise ValueError(
            f"`{name}` compares units one by one, so `y_true` must have as many as `y_pred`: "
            "give classes as one-hot vectors (`keras.utils.to_categorical`). Received: "
            f"y_true of shape {tuple(y_true.shape)}, y_pred of shape {tuple(y_pred.shape)}"
        )
