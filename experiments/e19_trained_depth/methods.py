"""The nets of e19, plain and residual, their starts, and the methods that train them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

import raikeras
from experiments.common.knobs import Knobs
from experiments.common.scanned_net import Chain, scanned
from experiments.e19_trained_depth.tasks import CLASSES
from raikeras.initializers import depth_mup
from raikeras.losses import HalfSquaredError

ROW_RATE = 0.4  # of rows, by the hidden loss' own curvature
SHARE = 0.2  # of a mismatch that a step of muPC removes


class Method(NamedTuple):
    """How a method trains.

    Attributes:
        rule: `rule(settings)` gives where targets come from; `None`: backprop.
        residual: Whether the net has skip connections.
        at: Where targets stand in a plain net.
    """

    rule: Callable[[dict], raikeras.TargetRule] | None = None
    residual: bool = False
    at: str = "post_activation"


def _pc_alm(settings) -> raikeras.Inferred:
    return raikeras.Inferred(settings["target_steps"], multiplier_rate=0.925, multiplier_leak=0.01)


def _rows(settings) -> raikeras.Learned:
    follow = keras.optimizers.SGD(ROW_RATE)
    return raikeras.Learned(optimizer=follow, multiplier_rate=0.1, steps=settings["target_steps"])


METHODS = {
    "bp": Method(),
    "bp_residual": Method(residual=True),
    "pc_alm": Method(_pc_alm),
    "inferred": Method(lambda settings: raikeras.Inferred(settings["target_steps"])),
    "rows": Method(_rows, at="pre_activation"),
    "mu_pc": Method(lambda settings: raikeras.Inferred(settings["target_steps"], SHARE), True),
}


def plain(settings, inputs: int) -> keras.Sequential:
    """Equal tanh layers in a row behind one that is fed the example; logits."""
    width = settings["units"]
    hidden = [keras.layers.Dense(width, "tanh") for _ in range(settings["depth"] + 1)]
    classes = CLASSES[settings["task"]]
    return keras.Sequential([keras.Input((inputs,)), *hidden, keras.layers.Dense(classes)])


def residual(settings, inputs: int) -> keras.Model:
    """Equal blocks `h + s W tanh(h)` between two layers; the scales are Depth-muP's."""
    width = settings["units"]
    image = keras.Input((inputs,))
    h = keras.layers.Rescaling(1.0)(keras.layers.Dense(width)(image))
    for _ in range(settings["depth"]):
        moved = keras.layers.Dense(width)(keras.layers.Activation("tanh")(h))
        h = keras.layers.Add()([h, keras.layers.Rescaling(1.0)(moved)])
    last = keras.layers.Dense(CLASSES[settings["task"]])(keras.layers.Activation("tanh")(h))
    return keras.Model(image, keras.layers.Rescaling(1.0)(last))


class ResidualChain(Chain):
    """`depth` blocks `h + scale W tanh(h)` in a row."""

    def __init__(self, depth, units, scale, **kwargs):
        super().__init__(depth, units, "tanh", **kwargs)
        self.scale = scale

    def call(self, inputs):
        def block(h, weights):
            kernel, bias = weights
            return h + self.scale * (ops.matmul(self.activation(h), kernel) + bias), None

        weights = (ops.convert_to_tensor(self.kernel), ops.convert_to_tensor(self.bias))
        return ops.scan(block, inputs, weights)[0]


def scanned_residual(net: keras.Model) -> keras.Sequential:
    """The twin of `residual`'s net whose blocks are one layer, same weights and scales."""
    dense = [layer for layer in net.layers if isinstance(layer, keras.layers.Dense)]
    scales = [one.scale for one in net.layers if isinstance(one, keras.layers.Rescaling)]
    first, *blocks, last = dense
    twin = keras.Sequential(
        [
            keras.Input(net.input_shape[1:]),
            keras.layers.Dense(first.units),
            keras.layers.Rescaling(scales[0]),
            ResidualChain(len(blocks), first.units, scales[1]),
            keras.layers.Activation("tanh"),
            keras.layers.Dense(last.units),
            keras.layers.Rescaling(scales[-1]),
        ]
    )
    stacks = [np.stack([block.get_weights()[k] for block in blocks]) for k in range(2)]
    twin.set_weights([*first.get_weights(), *stacks, *last.get_weights()])
    return twin


def start(net: keras.Model, settings, seed: int) -> None:
    """Gives a net the weights of a run's start: the same for all methods on a kind of net."""
    if not isinstance(net, keras.Sequential):
        depth_mup(net, seed)
        return
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    first, *hidden, last = net.layers
    spread = settings["first_scale"] / first.kernel.shape[0] ** 0.5
    first.set_weights([rng.normal(0, spread, first.kernel.shape), rng.uniform(-1, 1, first.units)])
    for layer in hidden:
        kernel = keras.initializers.Orthogonal(settings["gain"])(layer.kernel.shape)
        layer.set_weights([kernel, np.zeros(layer.units)])
    kernel = rng.normal(0, last.kernel.shape[0] ** -0.5, last.kernel.shape)
    last.set_weights([kernel, np.zeros(last.units)])


class Stop(keras.layers.Layer):
    """Passes values on, and no gradient back: the layers below keep their start."""

    def call(self, inputs):
        return ops.stop_gradient(inputs)


def stopped(net: keras.Sequential, last: int) -> keras.Sequential:
    """The twin of a net of which only the last hidden layers and the output train.

    The others are not frozen: a sweep has a value for each run of trainable weights alone.
    """
    layers = [layer.from_config(layer.get_config()) for layer in net.layers]
    image = keras.Input(net.input_shape[1:])
    twin = keras.Sequential([image, *layers[: -last - 1], Stop(), *layers[-last - 1 :]])
    twin.set_weights(net.get_weights())
    return twin


def trained(net: keras.Model, settings) -> keras.Model:
    """The net that a method's model trains: for backprop through all layers a scanned twin."""
    if settings["last"]:
        return stopped(net, settings["last"])
    if METHODS[settings["method"]].rule:
        return net
    return scanned(net) if isinstance(net, keras.Sequential) else scanned_residual(net)


def compiled(net: keras.Model, settings) -> raikeras.RelaxedModel:
    """The `RelaxedModel` that trains by a method, with knobs for what its trials change.

    Args:
        net: As `trained` gives it.
        settings: A run's settings. Adam's rate falls to 2 % over its `steps`.
    """
    method = METHODS[settings["method"]]
    knobs = Knobs(rate=1e-3, weight=1.0)
    options: dict[str, Any] = {"relax": ()}
    if method.rule:
        options = {
            "relax": _relaxed(net, method),
            "targets": method.rule(settings),
            "hidden_loss": HalfSquaredError("sum_over_batch_size"),
            "hidden_weight": knobs.constant("weight"),
            "at": "pre_activation" if method.residual else method.at,
        }
    model = raikeras.RelaxedModel(net, deployed_every=0, **options)
    model.knobs = knobs
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(knobs.falling("rate", settings["steps"])), loss)
    return model


def _relaxed(net: keras.Model, method: Method) -> list[str]:
    """The layers behind which targets stand: all hidden ones, or the residual stream."""
    if not method.residual:
        return [layer.name for layer in net.layers[:-1]]
    scales = [layer for layer in net.layers if isinstance(layer, keras.layers.Rescaling)]
    sums = [layer for layer in net.layers if isinstance(layer, keras.layers.Add)]
    return [scales[0].name, *(layer.name for layer in sums)]


def critical_path(settings) -> int:
    """Layer products of a training step that must follow one another, with a processor a layer.

    As in e18: backprop goes through all layers and back; a step of targets goes through all layers
    at once, forth and back, and so do the weights after it; targets that start at the forward pass
    in every batch wait for that.
    """
    layers = settings["depth"] + 2
    if not METHODS[settings["method"]].rule:
        return 2 * layers
    starts = settings["method"] != "rows"
    return 2 * settings["target_steps"] + 2 + (layers if starts else 0)
