"""What the fuzz test's nets are made of: a layer for every kind that a description may name.

A description is plain data (see `fuzz_nets.py`), so that a failing example can be read and shrunk.
"""

import zlib

import keras
from keras import layers

import raikeras


@keras.saving.register_keras_serializable("fuzz")
class TrainScale(layers.Layer):
    """Another function in training than in inference, with a loss and a count of its own."""

    supports_masking = True

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")

    def call(self, x, training=False):
        x = x * self.scale
        if training:
            self.steps.assign_add(1.0)
            x = 1.5 * x
        self.add_loss(0.01 * keras.ops.mean(keras.ops.square(x)))
        return x

    def compute_output_shape(self, shape):
        return shape


@keras.saving.register_keras_serializable("fuzz")
class TripleDense(layers.Dense):
    """A Dense layer whose activation is not the last thing that it does."""

    def call(self, x, training=None):
        return 3.0 * super().call(x, training)


@keras.saving.register_keras_serializable("fuzz")
class Twice(layers.Layer):
    """Calls a layer of its own twice in training and once in inference."""

    def __init__(self, units, **settings):
        super().__init__(**settings)
        self.units = units
        self.inner = layers.Dense(units, "tanh", name=f"{self.name}_inner")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, x, training=False):
        once = self.inner(x)
        return 0.5 * (once + self.inner(0.5 * x)) if training else once

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("fuzz")
class TwoDense(layers.Layer):
    """Two Dense layers inside a layer of the user's own."""

    def __init__(self, units, **settings):
        super().__init__(**settings)
        self.units = units
        self.first = layers.Dense(units, "relu", name=f"{self.name}_first")
        self.second = layers.Dense(units, name=f"{self.name}_second")

    def build(self, shape):
        self.first.build(shape)
        self.second.build((*shape[:-1], self.units))

    def call(self, x):
        hidden = self.first(x)
        return hidden + self.second(hidden)

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("fuzz")
class Orthogonal(keras.regularizers.Regularizer):
    """A user's own regularizer, of the kernel as a whole; Keras' like it is float32 alone."""

    def __call__(self, kernel):
        products = keras.ops.matmul(keras.ops.transpose(kernel), kernel)
        unit = keras.ops.eye(kernel.shape[-1], dtype=products.dtype)
        return 0.05 * keras.ops.sum(keras.ops.square(products - unit))

    def get_config(self):
        return {}


def _random(kind):
    """Layers that draw, each with a seed of its own that is the same in every copy of a net."""
    return lambda name, **rest: kind(seed=zlib.crc32(name.encode()) >> 1, name=name, **rest)


KINDS = {
    "Add": layers.Add,
    "Average": layers.Average,
    "Concatenate": layers.Concatenate,
    "Maximum": layers.Maximum,
    "Multiply": layers.Multiply,
    "Subtract": layers.Subtract,
    "AlphaDropout": _random(layers.AlphaDropout),
    "Dropout": _random(layers.Dropout),
    "GaussianDropout": _random(layers.GaussianDropout),
    "GaussianNoise": _random(layers.GaussianNoise),
    "SpatialDropout1D": _random(layers.SpatialDropout1D),
    "ReLUAlpha": raikeras.layers.ReLUAlpha,
    "TimeDistributed": lambda name, **rest: layers.TimeDistributed(
        layers.Dense(name=f"{name}_each", **rest), name=name
    ),
    "Bidirectional": lambda name, units: layers.Bidirectional(
        layers.LSTM(units, name=f"{name}_each"), name=name
    ),
    "TrainScale": TrainScale,
    "TripleDense": TripleDense,
    "Twice": Twice,
    "TwoDense": TwoDense,
}
REGULARIZERS = {
    "l1": lambda: keras.regularizers.L1(0.01),
    "l2": lambda: keras.regularizers.L2(0.02),
    "l1_l2": lambda: keras.regularizers.L1L2(0.01, 0.02),
    "orthogonal": lambda: Orthogonal(),
}
CONSTRAINTS = {
    "non_neg": lambda: keras.constraints.NonNeg(),
    "max_norm": lambda: keras.constraints.MaxNorm(0.8),
    "unit_norm": lambda: keras.constraints.UnitNorm(),
}


def make_layer(one: dict, name: str) -> keras.Layer:
    """The layer of one entry of a description."""
    settings = {key: value for key, value in one.items() if key not in ("kind", "of")}
    kind = one["kind"]
    if kind == "Nested":
        return _nested(settings, name)
    marked, frozen = settings.pop("marked", False), settings.pop("frozen", False)
    for key, value in settings.items():
        if key.endswith("_regularizer"):
            settings[key] = REGULARIZERS[value]()
        elif key.endswith("_constraint"):
            settings[key] = CONSTRAINTS[value]()
    layer = KINDS.get(kind) or getattr(layers, kind)
    layer = layer(name=f"{name}_marked" if marked else name, **settings)
    if marked:
        layer = raikeras.layers.Relaxed(layer, name=name)
    layer.trainable = not frozen
    return layer


def _nested(settings: dict, name: str) -> keras.Model:
    """A model as a layer: the entries of its body follow each other; `residual` adds its input."""
    inputs = keras.Input(tuple(settings["shape"]), name=f"{name}_input")
    inner = [make_layer(one, f"{name}_{n}") for n, one in enumerate(settings["body"])]
    if settings["sequential"]:
        model = keras.Sequential([inputs, *inner], name=name)
    else:
        value = inputs
        for layer in inner:
            value = layer(value)
        if settings["residual"] and tuple(value.shape) == tuple(inputs.shape):
            value = layers.Add(name=f"{name}_add")([value, inputs])
        model = keras.Model(inputs, value, name=name)
    model.trainable = not settings.get("frozen", False)
    return model
