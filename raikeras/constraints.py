"""`UnitInterval`: keeps weights in [0, 1]; the default constraint of `ReLUAlpha`."""

import keras
from keras import ops

from raikeras.typing import Tensor


@keras.saving.register_keras_serializable(package="raikeras")
class UnitInterval(keras.constraints.Constraint):
    """Projects every weight to the nearest number in [0, 1], after each step of the optimizer.

    Example:

    ```python
    layer = keras.layers.Dense(4, kernel_constraint=raikeras.constraints.UnitInterval())
    ```
    """

    def __call__(self, w: Tensor) -> Tensor:
        return ops.clip(w, 0.0, 1.0)
