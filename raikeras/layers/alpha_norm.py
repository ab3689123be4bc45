"""`AlphaNorm`: a net that pays for the norm of all its alphas together."""

import math
from numbers import Real
from typing import Any, Self

import keras
from keras import ops

from raikeras.backend.keras_internals import sublayers
from raikeras.layers.relu_alpha import ReLUAlpha
from raikeras.typing import Config, Nest, Tensor


@keras.saving.register_keras_serializable(package="raikeras")
class AlphaNorm(keras.Model):
    """Runs a net and adds `weight` times the L2 norm of all its alphas together to the loss.

    The norm is not squared, which is no sum over layers, so it belongs to the model: this is the
    penalty in the published code of Pettena (2024), whose document has the L1 norm instead
    (`ReLUAlpha(alpha_regularizer=keras.regularizers.L1(weight))`). Its gradient by an alpha is
    `weight * alpha / norm`: small alphas beside a large one are hardly pushed. Where all alphas are
    0 it is taken to be 0.

    The net stays yours, and its weights are trained in place. In another model an `AlphaNorm` is a
    layer like any other.

    Args:
        net: Keras model with at least one `ReLUAlpha`, nested ones included. One that is called
            several times counts once.
        weight: Float of 0 or more, the source's lambda.
        **kwargs: `name` and `dtype`, see `keras.Model`.

    Call arguments:
        inputs: What the net takes.
        training: Whether the net is being trained.

    Raises:
        TypeError: If `net` is no Keras layer or model.
        ValueError: If it has no `ReLUAlpha`, or `weight` is negative or no number.

    Example:

    ```python
    model = raikeras.layers.AlphaNorm(net, weight=0.02)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y)
    net.predict(x_new)
    ```
    """

    def __init__(self, net: keras.Model, weight: float, **kwargs: Any) -> None:
        if not isinstance(net, keras.Layer):
            raise TypeError(f"`net` must be a Keras model. Received: {type(net).__name__}")
        number = isinstance(weight, Real) and not isinstance(weight, bool)
        if not number or not 0 <= float(weight) < math.inf:
            raise ValueError(
                f"`weight` must be a finite float of 0 or more. Received: weight={weight!r}"
            )
        if not alpha_layers(net):
            raise ValueError(
                f"`net` must have a layer raikeras.layers.ReLUAlpha. Received: net={net.name} "
                "without one"
            )
        super().__init__(**kwargs)
        self.net, self.weight = net, float(weight)
        self.built = bool(net.built)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        if not self.net.built:
            self.net.build(input_shape)
        self.built = True

    def call(self, inputs: Nest, training: bool | None = None) -> Nest:
        outputs = self.net(inputs, training=training)  # Sequential does not look for it elsewhere
        alphas = [ops.cast(x.alpha, self.variable_dtype) for x in alpha_layers(self.net)]
        self.add_loss(self.weight * _norm(alphas))
        return outputs

    def compute_mask(self, inputs: Nest, previous_mask: Any) -> None:
        return None  # the net's outputs have theirs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.net.compute_output_shape(input_shape)

    def get_config(self) -> Config:
        return {
            "name": self.name,
            "net": keras.saving.serialize_keras_object(self.net),
            "weight": self.weight,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        net = keras.saving.deserialize_keras_object(config["net"])
        return cls(**{**config, "net": net})


def alpha_layers(net: keras.Layer) -> list[ReLUAlpha]:
    """Every `ReLUAlpha` of a net, itself included, in its order, each once."""
    return [layer for layer in [net, *sublayers(net)] if isinstance(layer, ReLUAlpha)]


def _norm(alphas: list[Tensor]) -> Tensor:
    """L2 norm of all entries, a scalar, with gradient 0 instead of none where all are 0."""
    squares = ops.sum(ops.stack([ops.sum(ops.square(alpha)) for alpha in alphas]))
    positive = squares > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, squares, 1.0)), 0.0)
