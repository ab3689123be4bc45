"""`Rprop`: resilient backpropagation as a Keras optimizer (Keras has none)."""

from typing import Any

import keras
from keras import ops

from raikeras.backend.keras_internals import place_of
from raikeras.typing import Config, Tensor


@keras.saving.register_keras_serializable(package="raikeras")
class Rprop(keras.optimizers.Optimizer):
    """Resilient backpropagation: a step size per weight, driven by the gradient's sign alone.

    While a gradient keeps its sign, its step size grows by `increase`; when the sign changes, the
    step size shrinks by `decrease`, the weight stays where it is for this step, and the next step
    starts as if there had been no previous gradient. Made for full batches: with mini-batches the
    sign is noise. Reference: Riedmiller & Braun (1993), in the variant without weight
    backtracking (iRprop-, Igel & Huesken, 2003).

    Args:
        learning_rate: Float, the initial step size of every weight. It is read when a weight is
            updated for the first time and not again, so a schedule is refused.
        decrease: Float in (0, 1), the factor after a change of sign.
        increase: Float above 1, the factor while the sign stays.
        min_step_size: Float, the smallest step size.
        max_step_size: Float, the largest step size.
        name: Name of the optimizer.
        **kwargs: See `keras.optimizers.Optimizer`.

    Raises:
        ValueError: For factors or step sizes outside their ranges, or a schedule as
            `learning_rate`.

    Example:

    ```python
    model.compile(optimizer=raikeras.optimizers.Rprop(0.1), loss="mean_squared_error")
    ```
    """

    elementwise = True  # whatever a weight's own gradients are decides how it moves

    def __init__(
        self,
        learning_rate: float = 0.01,
        decrease: float = 0.5,
        increase: float = 1.2,
        min_step_size: float = 1e-6,
        max_step_size: float = 50.0,
        name: str = "rprop",
        **kwargs: Any,
    ) -> None:
        if not isinstance(learning_rate, (int, float)) or learning_rate <= 0:
            raise ValueError(
                "`learning_rate` of Rprop must be a positive float: it is the initial step size, "
                "and a schedule would never be read again. "
                f"Received: learning_rate={learning_rate}"
            )
        if not 0 < decrease < 1 < increase:
            raise ValueError(
                "`decrease` must be in (0, 1) and `increase` above 1. "
                f"Received: decrease={decrease}, increase={increase}"
            )
        if not 0 < min_step_size <= max_step_size:
            raise ValueError(
                "`min_step_size` must be positive and at most `max_step_size`. "
                f"Received: min_step_size={min_step_size}, max_step_size={max_step_size}"
            )
        super().__init__(learning_rate=float(learning_rate), name=name, **kwargs)
        self.decrease = decrease
        self.increase = increase
        self.min_step_size = min_step_size
        self.max_step_size = max_step_size

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._step_sizes, self._previous_gradients = self.add_optimizer_variables(
            variables, ["step_size", "previous_gradient"]
        )

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        index = place_of(self, variable)
        step_size, previous = self._step_sizes[index], self._previous_gradients[index]
        change, new_step_size, new_previous = rprop_update(
            ops.cast(gradient, variable.dtype),
            ops.convert_to_tensor(step_size),
            ops.convert_to_tensor(previous),
            ops.cast(learning_rate, variable.dtype),
            self.decrease,
            self.increase,
            self.min_step_size,
            self.max_step_size,
        )
        self.assign(step_size, new_step_size)
        self.assign(previous, new_previous)
        self.assign_sub(variable, change)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "decrease": self.decrease,
            "increase": self.increase,
            "min_step_size": self.min_step_size,
            "max_step_size": self.max_step_size,
        }


def rprop_update(
    gradient: Tensor,
    step_size: Tensor,
    previous: Tensor,
    initial: Tensor,
    decrease: float,
    increase: float,
    min_step_size: float,
    max_step_size: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """One Rprop update of tensors of one shape; also the row rule of `raikeras.rows.rules`.

    A step size of 0 marks an element that was never updated; it starts at `initial`.

    Returns:
        What to subtract from the value, the new step size, the gradient to remember.
    """
    product = gradient * previous
    factor = ops.where(product > 0, increase, ops.where(product < 0, decrease, 1.0))
    factor = ops.cast(factor, gradient.dtype)
    step_size = ops.where(step_size == 0, initial, step_size)
    step_size = ops.clip(step_size * factor, min_step_size, max_step_size)
    gradient = ops.where(product < 0, ops.zeros_like(gradient), gradient)
    return ops.sign(gradient) * step_size, step_size, gradient
