"""How the weights follow the objective: `Joint`, `Local`."""

import keras
from keras import ops

from raikeras.checks import check_integer, check_positive


class WeightStep:
    """How the weights follow, given their gradient of the objective."""

    def training_steps(self, iterations):
        """How many training steps have been made, from the compiled optimizer's own count."""
        return iterations

    def apply(self, step, gradients) -> None:
        """Updates the weights in place, constraints included.

        Args:
            step: The `raikeras.step.Step` in progress.
            gradients: One per trainable weight, at the present weights.
        """
        raise NotImplementedError

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config: dict):
        return cls(**config)


@keras.saving.register_keras_serializable(package="raikeras")
class Joint(WeightStep):
    """One step of the compiled optimizer on the whole objective, weights and targets together.

    The gradients of all weights and rows are taken at the same point; neither sees the other's
    update. This is RAI's own step.

    Example:

    ```python
    model = raikeras.RelaxedModel(net, weight_step=raikeras.Joint())
    ```
    """

    def apply(self, step, gradients) -> None:
        step.optimizer.apply(gradients, step.weights)


@keras.saving.register_keras_serializable(package="raikeras")
class Local(WeightStep):
    """Several steps of the compiled optimizer on one batch, its targets held fixed.

    The steps descend the objective of the batch with targets, fed values, dropout masks and batch
    statistics as the first of them found them, plus, if `proximal` is given,
    1 / (2 proximal) ||weights - weights before the batch||^2 over all trainable weights (LocoProp's
    local problem, Amid et al., 2022, arXiv 2106.06199). Targets that are trained follow their
    gradient at the first of the steps. Moving statistics and metrics are updated once a batch.

    The compiled optimizer's `iterations` counts local steps, and so do a learning rate schedule
    given to it and the rate that `Learned()` takes from it. Whatever this package counts in
    training steps stays in training steps (batches): `deployed_every`, the schedules of
    `hidden_weight` and of `Learned(optimizer=...)`.

    Args:
        steps: Integer, number of steps per batch. `Local(1)` is `Joint()`.
        proximal: Float, how far the weights may go: the smaller, the closer they stay to where
            the batch found them. `None`: as far as the steps lead.

    Raises:
        ValueError: If `steps` is no positive integer or `proximal` is not positive.

    Example:

    ```python
    model = raikeras.RelaxedModel(
        net, targets=raikeras.Gradient(), weight_step=raikeras.Local(5, proximal=1.0)
    )
    ```
    """

    def __init__(self, steps: int, proximal: float | None = None):
        check_integer("steps", steps, 1)
        check_positive("proximal", proximal, optional=True)
        self.steps, self.proximal = int(steps), proximal

    def training_steps(self, iterations):
        return iterations if self.steps == 1 else ops.floor_divide(iterations, self.steps)

    def apply(self, step, gradients) -> None:
        # On TensorFlow a conversion would hand back the variable, which moves.
        start = [ops.copy(weight) for weight in step.weights]
        step.optimizer.apply(gradients, step.weights)

        def follow():
            gradients = step.weight_gradients()
            if self.proximal is not None:
                gradients = self._held_back(gradients, step.weights, start)
            step.optimizer.apply(gradients, step.weights)

        if self.steps > 1:
            step.repeat(self.steps - 1, follow)

    def _held_back(self, gradients, weights, start) -> list:
        """The gradients with that of the proximal term added."""
        return [
            None
            if gradient is None
            else ops.convert_to_tensor(gradient) + (w - old) / self.proximal
            for gradient, w, old in zip(gradients, weights, start, strict=True)
        ]

    def get_config(self) -> dict:
        return {"steps": self.steps, "proximal": self.proximal}
