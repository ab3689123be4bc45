"""`Relaxed`: marks a layer by hand as relaxed; used by `RelaxedModel` when it chooses layers."""

from typing import Any

import keras

from raikeras.typing import Nest


@keras.saving.register_keras_serializable(package="raikeras")
class Relaxed(keras.layers.Wrapper):
    """Marks the wrapped layer as relaxed; elsewhere it is the wrapped layer.

    Inside a `raikeras.RelaxedModel` the wrapped layer is given targets (with `relax=()` it is
    not). In any other model, and in the deployed network, `Relaxed(layer)` computes exactly what
    `layer` computes. To relax the marked layers and no others, use
    `RelaxedModel(net, relax=raikeras.layers.Relaxed)`.

    Args:
        layer: The `keras.Layer` to mark.

    Call arguments:
        inputs: What the wrapped layer takes; further arguments are handed on.

    Input shape:
        That of the wrapped layer.

    Output shape:
        That of the wrapped layer.

    Example:

    ```python
    net = keras.Sequential([
        keras.Input((2,)),
        raikeras.layers.Relaxed(keras.layers.Dense(16, "tanh")),
        keras.layers.Dense(1),
    ])
    model = raikeras.RelaxedModel(net, relax=raikeras.layers.Relaxed)
    ```
    """

    def __init__(self, layer: keras.Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = layer.supports_masking

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True
        self.built = True

    def call(self, inputs: Nest, **kwargs: Any) -> Nest:
        return self.layer(inputs, **kwargs)

    def compute_mask(self, inputs: Nest, previous_mask: Any) -> Any:
        return self.layer.compute_mask(inputs, previous_mask)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)
