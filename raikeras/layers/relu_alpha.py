"""`ReLUAlpha`: a ReLU that learns how much of a ReLU it is, from the identity on."""

from numbers import Integral
from typing import Any, Final, Literal

import keras
import numpy as np
from keras import ops

from raikeras.constraints import UnitInterval
from raikeras.typing import Tensor

ALL: Final = "all"


@keras.saving.register_keras_serializable(package="raikeras")
class ReLUAlpha(keras.layers.Layer):
    """The activation relu(x) - (1 - alpha) relu(-x) with a trained alpha in [0, 1].

    alpha = 1 is exactly ReLU and alpha = 0 exactly the identity, in any precision. With a penalty
    on alpha a net pays for what is not linear and may drop it (Pettena, 2024). It is a PReLU
    (`keras.layers.PReLU`) of slope 1 - alpha, that starts as a ReLU and keeps to slopes from 0 to
    1. Its derivative at x = 0 is taken to be 0.

    Args:
        alpha_initializer: Keras initializer; values must lie in [0, 1] while the default
            constraint is on. Default: ones.
        alpha_regularizer: Keras regularizer. `keras.regularizers.L1(0.02)` is the source's loss
            as written, lambda times the sum of all alphas; what its code computes is
            `raikeras.layers.AlphaNorm`.
        alpha_constraint: Keras constraint. Default: `raikeras.constraints.UnitInterval()`, the
            projection to [0, 1] after each step. `None`: alpha goes where the gradient leads.
        shared_axes: `"all"`: one scalar for the whole layer, as in the source. `None`: an alpha
            for every unit. Integer, list or tuple of integers: axes along which units share one,
            the batch not counted, as in `keras.layers.PReLU`: `[1, 2]` is an alpha per channel
            of a convolution.
        **kwargs: `name`, `dtype`, ..., see `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of floats.

    Input shape:
        `(batch, ...)`, any. Axes without a shared alpha must have a known size.

    Output shape:
        That of the input.

    Raises:
        ValueError: If `shared_axes` names no axes of the input, or an alpha starts outside [0, 1].

    Example:

    ```python
    net = keras.Sequential([
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(15, 2, strides=2),
        raikeras.layers.ReLUAlpha(alpha_regularizer=keras.regularizers.L1(0.02)),
        keras.layers.Flatten(),
        keras.layers.Dense(10),
    ])
    ```
    """

    def __init__(
        self,
        alpha_initializer: Any = "ones",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = "unit_interval",
        shared_axes: Any = ALL,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if alpha_constraint == "unit_interval":
            alpha_constraint = UnitInterval()
        self.alpha_initializer = keras.initializers.get(alpha_initializer)
        self.alpha_regularizer = keras.regularizers.get(alpha_regularizer)
        self.alpha_constraint = keras.constraints.get(alpha_constraint)
        self.shared_axes = _checked_axes(shared_axes)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.alpha = self.add_weight(
            name="alpha",
            shape=self._alpha_shape(input_shape),
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            autocast=False,  # near 1, where it starts, a short float has no room for 1 - alpha
        )
        if isinstance(self.alpha_constraint, UnitInterval):
            _check_start(self.alpha, self.name)

    def call(self, inputs: Tensor) -> Tensor:
        inputs = ops.cast(inputs, self.compute_dtype)
        slope = ops.cast(1.0 - self.alpha, self.compute_dtype)
        return ops.relu(inputs) - slope * ops.relu(-inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "alpha_initializer": keras.initializers.serialize(self.alpha_initializer),
            "alpha_regularizer": keras.regularizers.serialize(self.alpha_regularizer),
            "alpha_constraint": keras.constraints.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes,
        }

    def _alpha_shape(self, input_shape: Any) -> tuple[int, ...]:
        if self.shared_axes == ALL:
            return ()
        shape, shared = tuple(input_shape), self.shared_axes or []
        outside = [axis for axis in shared if axis >= len(shape)]
        if outside:
            raise ValueError(
                f"`shared_axes` must name axes of the input from 1 to {len(shape) - 1} (0 is the "
                f"batch). Received: shared_axes={shared}, input_shape={shape}"
            )
        units = [1 if axis in shared else size for axis, size in enumerate(shape)][1:]
        if None in units:
            raise ValueError(
                "An axis with alphas of its own must have a known size: name it in `shared_axes`, "
                f"or use 'all'. Received: shared_axes={self.shared_axes}, input_shape={shape}"
            )
        return tuple(units)


def _checked_axes(axes: Any) -> Literal["all"] | list[int] | None:
    """`"all"`, `None` or a list of positive integers."""
    if axes is None:
        return None
    if isinstance(axes, str) and axes == ALL:
        return ALL
    listed = list(axes) if isinstance(axes, (list, tuple)) else [axes]
    if not all(isinstance(a, Integral) and not isinstance(a, bool) and int(a) > 0 for a in listed):
        raise ValueError(
            "`shared_axes` must be 'all', None, or one or several integers of 1 or more (0 is the "
            f"batch). Received: shared_axes={axes!r}"
        )
    return [int(axis) for axis in listed]


def _check_start(alpha: keras.Variable, name: str) -> None:
    """Raises a `ValueError` if an alpha starts outside [0, 1]; a traced one has no value yet."""
    try:
        values = np.asarray(ops.convert_to_numpy(alpha), dtype="float32")
    except (TypeError, NotImplementedError):  # what JAX and TensorFlow raise for traced values
        return
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"`alpha_initializer` of `{name}` must give values in [0, 1], or `alpha_constraint` be "
            f"None. Received: values from {values.min():g} to {values.max():g}"
        )
