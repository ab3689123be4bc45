"""Cuts: calls of relaxed layers at which a target replaces a value; how calls are replaced."""

import contextlib
import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import keras
from keras import ops

from raikeras.fused import Chain

# Layers that end in `activation(pre_activation)`, so that the cut can be made before it.
_WITH_PRE_ACTIVATION = (
    keras.layers.Dense,
    keras.layers.EinsumDense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)


class Cut(NamedTuple):
    """One call of a relaxed layer: where a target replaces a value of shape `(batch, *shape)`."""

    name: str
    layer: keras.Layer
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of target units an example has here."""
        return math.prod(self.shape)


class Block(NamedTuple):
    """A cut, or all cuts of an attached chain: what is run in one piece."""

    first: int
    cuts: list[Cut]
    chain: Chain | None = None


def grouped(cuts: list[Cut], chains: list[Chain]) -> list[Cut]:
    """The cuts with those of each chain behind its first."""
    by_layer = {id(cut.layer): cut for cut in cuts}
    first = {id(chain.layers[0]): chain for chain in chains}
    later = {id(layer) for chain in chains for layer in chain.layers[1:]}
    ordered = []
    for cut in cuts:
        chain = first.get(id(cut.layer))
        if chain is not None:
            ordered += [by_layer[id(layer)] for layer in chain.layers]
        elif id(cut.layer) not in later:
            ordered.append(cut)
    return ordered


def numbered(name: str, count: Counter) -> str:
    """The name of a layer's next call: `name`, then `name:2` and so on."""
    count[name] += 1
    return name if count[name] == 1 else f"{name}:{count[name]}"


@contextlib.contextmanager
def calls_replaced(layers, run: Callable) -> Iterator[None]:
    """While it lasts, the layers' `call` is `run(layer, ...)`."""
    with contextlib.ExitStack() as stack:
        for layer in layers:
            stack.enter_context(replaced(layer, "call", functools.partial(run, layer)))
        yield


def activated(layer, value):
    activation = getattr(layer, "activation", None)
    return value if activation is None else activation(value)


def can_cut_before_activation(layer) -> bool:
    return isinstance(layer, _WITH_PRE_ACTIVATION) or not hasattr(layer, "activation")


def one_example(tensor):
    """Zeros for one example of a symbolic input."""
    if None in tensor.shape[1:]:
        raise ValueError(
            "Inputs of a relaxed net must have a fixed shape, for its rows have one. Received: "
            f"`keras.Input` of shape {tensor.shape}. Give it its full shape."
        )
    return ops.zeros((tensor.shape[0] or 1, *tensor.shape[1:]), tensor.dtype)


@contextlib.contextmanager
def replaced(layer, name: str, value) -> Iterator[None]:
    """Sets an attribute of a layer for a while, out of sight of Keras' attribute tracking."""
    missing = object()
    before = layer.__dict__.get(name, missing)
    layer.__dict__[name] = value
    try:
        yield
    finally:
        if before is missing:
            del layer.__dict__[name]
        else:
            layer.__dict__[name] = before
