"""How the weights follow the objective: `Joint`."""

import keras


@keras.saving.register_keras_serializable(package="raikeras")
class Joint:
    """One step of the compiled optimizer on the whole objective, weights and targets together.

    The gradients of all weights and rows are taken at the same point; neither sees the other's
    update. This is RAI's own step.

    Example:

    ```python
    model = raikeras.RelaxedModel(net, weight_step=raikeras.Joint())
    ```
    """

    def apply(self, optimizer, gradients, variables) -> None:
        """Updates `variables` in place by `optimizer`, constraints included."""
        optimizer.apply(gradients, variables)

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "Joint":
        return cls(**config)
