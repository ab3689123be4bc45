"""Cuts: calls of relaxed layers at which a target replaces a value; how calls are replaced."""

import contextlib
import functools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import keras

from raikeras.network.chain import Chain
from raikeras.typing import Tensor

# Layers whose `call` ends in `activation(pre_activation)`, so that the cut can be made before it.
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
    """One call of a relaxed layer: where a target replaces a value of shape `(batch, *shape)`.

    Attributes:
        name: Name of the layer; `name:2` and so on for its further calls.
        layer: The layer.
        shape: Shape of the value of one example.
        steps: Integer, the number of time steps at which a `TimeDistributed` calls the layer: one
            cut, as for the same layer on the whole sequence. They are the first axis of `shape`.
            `None`: the layer is called once.
    """

    name: str
    layer: keras.Layer
    shape: tuple[int, ...]
    steps: int | None = None

    @property
    def size(self) -> int:
        """Number of target units an example has here."""
        return math.prod(self.shape)


class Block(NamedTuple):
    """A cut, or all cuts of an attached chain: what is run in one piece.

    Attributes:
        places: Their places among the cuts of the network.
        cut: The cut, or the chain's first.
        chain: The chain or `None`.
    """

    places: tuple[int, ...]
    cut: Cut
    chain: Chain | None = None


def numbered(name: str, count: Counter[str]) -> str:
    """The name of a layer's next call: `name`, then `name:2` and so on."""
    count[name] += 1
    return name if count[name] == 1 else f"{name}:{count[name]}"


@contextlib.contextmanager
def calls_replaced(layers: Iterable[keras.Layer], run: Callable[..., Any]) -> Iterator[None]:
    """While it lasts, the layers' `call` is `run(layer, ...)`."""
    with contextlib.ExitStack() as stack:
        for layer in layers:
            stack.enter_context(replaced(layer, "call", functools.partial(run, layer)))
        yield


def activated(layer: keras.Layer, value: Tensor) -> Tensor:
    activation = getattr(layer, "activation", None)
    return value if activation is None else activation(value)


def can_cut_before_activation(layer: keras.Layer) -> bool:
    """Whether the activation, if the layer has one, is the last thing that it does.

    Whose `call` runs decides, not the class: a subclass may do more after the activation.
    """
    if not hasattr(layer, "activation"):
        return True
    call = getattr(layer.call, "__func__", None)
    computed = isinstance(getattr(type(layer), "activation", None), property)
    return not computed and any(call is one.call for one in _WITH_PRE_ACTIVATION)


@contextlib.contextmanager
def replaced(layer: keras.Layer, name: str, value: Any) -> Iterator[None]:
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
