"""The same very deep net twice: as the layers that a user writes, and as one scanned layer.

A thousand layers written one by one take a backend long to compile, in every program they are part
of. `Chain` holds the equal layers' weights in one tensor and loops over them: the same
network and, with an optimizer that acts on each number alone, the same training.
"""

import sys

import keras
import numpy as np
from keras import ops

from experiments.common.moons import fit, method
from raikeras.initializers import isometric_start
from raikeras.presets import adam_with_decay

sys.setrecursionlimit(100_000)  # Keras walks a net's graph by recursion, some calls a layer


class Chain(keras.layers.Layer):
    """`depth` Dense layers of `units` units in a row, each fed by the one before."""

    def __init__(self, depth, units, activation, **kwargs):
        super().__init__(**kwargs)
        self.depth, self.units = depth, units
        self.activation = keras.activations.get(activation)

    def build(self, shape):
        size = (self.depth, self.units)
        self.kernel = self.add_weight(shape=(*size, self.units), name="kernel")
        self.bias = self.add_weight(shape=size, name="bias", initializer="zeros")

    def call(self, inputs):
        def layer(value, weights):
            kernel, bias = weights
            return self.activation(ops.matmul(value, kernel) + bias), None

        weights = (ops.convert_to_tensor(self.kernel), ops.convert_to_tensor(self.bias))
        return ops.scan(layer, inputs, weights)[0]


def scanned(net):
    """The twin of a Sequential net of Dense layers whose inner layers are equal, same weights."""
    first, *inner, last = net.layers
    twin = keras.Sequential(
        [
            keras.Input(net.input_shape[1:]),
            keras.layers.Dense(first.units, first.activation),
            Chain(len(inner), first.units, first.activation),
            keras.layers.Dense(last.units, last.activation),
        ]
    )
    copy(net, twin)
    return twin


def copy(net, twin):
    """Gives the twin the weights that the net has now."""
    first, *inner, last = net.layers
    stacks = [
        np.stack([ops.convert_to_numpy(getattr(layer, name)) for layer in inner])
        for name in ("kernel", "bias")
    ]
    twin.set_weights([*first.get_weights(), *stacks, *last.get_weights()])


class Deployed:
    """The net as it is at the moment, run by its twin."""

    def __init__(self, net):
        self._net, self.twin = net, scanned(net)

    def predict(self, x, **options):
        copy(self._net, self.twin)
        return self.twin.predict(x, **options)

    def get_weights(self):
        copy(self._net, self.twin)
        return self.twin.get_weights()


def train(run, net, data):
    """Trains by the run's method; returns the trained twin, metrics, curves and status."""
    settings = run["settings"]
    if settings["method"] == "bp_isometric":
        isometric_start(net, seed=run["seed"])
        twin = scanned(net)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        twin.compile(adam_with_decay(settings["learning_rate"], settings["iterations"]), loss)
        return twin, *fit(run, twin, twin, data)
    model = method(net, settings, run["seed"])
    deployed = Deployed(net)
    return deployed.twin, *fit(run, model, deployed, data)
