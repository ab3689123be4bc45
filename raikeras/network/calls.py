"""Which calls of relaxed layers a net makes: it is traced once, and each of them becomes a cut."""

import contextlib
import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import graph_nodes, sublayers, traced
from raikeras.network.cut import Cut, calls_replaced, numbered
from raikeras.typing import Nest, Tensor

_LEAVE_OUT = "Leave it out of `relax`"


class _Call(NamedTuple):
    """A call of a relaxed layer in a trace.

    Attributes:
        layer: The layer.
        shape: Shape of its own value, `(batch, ...)`.
        sequence: Number of the call of a `TimeDistributed` that it belongs to, `None` outside.
        steps: Integer, number of time steps of that one.
    """

    layer: keras.Layer
    shape: tuple[Any, ...]
    sequence: int | None
    steps: int


class Calls(NamedTuple):
    """The calls of the relaxed layers in a pass of a net.

    Attributes:
        cuts: The cuts, in the order of the forward pass.
        cut_of: Dict from (id of a layer, number of its call) to the name of the cut and the time
            step of the call, `None` where the cut has none.
    """

    cuts: list[Cut]
    cut_of: dict[tuple[int, int], tuple[str, int | None]]


def find_calls(
    net: keras.Model,
    layers: list[keras.Layer],
    own: Callable[..., Tensor],
    passed_on: Callable[..., Tensor],
) -> Calls:
    """The calls of relaxed layers and their cuts; nothing of the net changes.

    Args:
        net: A built Sequential or Functional model.
        layers: The layers to relax.
        own: `own(layer, ...)`, the layer's own value.
        passed_on: `passed_on(layer, own value)`, what the layer returns.

    Raises:
        ValueError: If a layer's calls cannot be given targets, naming the layer.
    """
    if not layers:
        return Calls([], {})
    for layer in layers:
        if getattr(layer, "quantization_mode", None):
            raise ValueError(
                f"A relaxed layer must not be quantized, for its weights are not trained. "
                f"{_LEAVE_OUT}. Received: layer `{layer.name}` with "
                f"quantization_mode={layer.quantization_mode!r}"
            )
    trace = _Trace(net, layers, own, passed_on)
    calls = trace.run(training=False)
    nodes = {id(node.operation) for _, nodes in graph_nodes(net) for node in nodes}
    if any(id(layer) not in nodes for layer in layers):  # a layer of the user's own may call them
        _check_same(calls, trace.run(training=True))
    return _with_cuts(calls)


class _Trace:
    """Runs a net on shapes alone and notes the calls of some layers."""

    def __init__(
        self,
        net: keras.Model,
        layers: list[keras.Layer],
        own: Callable[..., Tensor],
        passed_on: Callable[..., Tensor],
    ) -> None:
        self._net, self._layers = net, layers
        self._own, self._passed_on = own, passed_on
        self._calls: list[tuple[Any, ...]] = []
        self._steps: list[int] = []  # of the `TimeDistributed` layers that are being called
        self._sequences = 0
        self._error: ValueError | None = None

    def run(self, training: bool) -> list[_Call]:
        """The calls of a pass in training or in inference, in order."""
        net = self._net
        inputs = net.inputs[0] if isinstance(net, keras.Sequential) else net.input
        batch = next((t.shape[0] for t in keras.tree.flatten(inputs) if t.shape[0]), 2)
        inputs = keras.tree.map_structure(functools.partial(_batch_of, batch), inputs)
        self._error = None
        try:
            with self._noted():
                shapes = traced(functools.partial(self._values, training), inputs)
        except Exception:  # Keras wraps what is raised inside a layer
            if self._error is not None:
                raise self._error from None
            raise
        for (layer, *_), value in zip(self._calls, shapes, strict=True):
            _check_shape(layer, value.shape, batch)
        return [
            _Call(layer, value.shape, *place)
            for (layer, _, *place), value in zip(self._calls, shapes, strict=True)
        ]

    def _values(self, training: bool | None, inputs: Nest) -> list[Tensor]:
        """The layers' own values in a pass of the net."""
        self._calls, self._sequences = [], 0
        self._net(inputs, training=training)
        values = [value for _, value, *_ in self._calls]
        for (layer, *_), out in zip(self._calls, load_backend().out_of_reach(values), strict=True):
            if out:
                self._fail(
                    "A relaxed layer must not be called inside a loop, a condition, a map or a "
                    "rematerialization, as the cell of a recurrent layer is: it has no target of "
                    f"its own there. {_LEAVE_OUT}. Received: layer `{layer.name}` "
                    f"({type(layer).__name__})"
                )
        return values

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        """While it lasts, calls of the relaxed layers are noted."""
        relaxed = {id(layer) for layer in self._layers}
        timed = [
            layer
            for layer in sublayers(self._net)
            if isinstance(layer, keras.layers.TimeDistributed) and id(layer) not in relaxed
        ]
        with calls_replaced(self._layers, self._note), calls_replaced(timed, self._in_time):
            yield

    def _note(self, layer: keras.Layer, *args: Any, **kwargs: Any) -> Tensor:
        if isinstance(layer, keras.layers.TimeDistributed):
            with self._sequence(args[0]):
                value = self._own(layer, *args, **kwargs)
        else:
            value = self._own(layer, *args, **kwargs)
        if keras.tree.is_nested(value):
            self._fail(
                "A relaxed layer must return one tensor, for which it has a target. "
                f"{_LEAVE_OUT}. Received: layer `{layer.name}` ({type(layer).__name__}), which "
                f"returns {len(keras.tree.flatten(value))} tensors"
            )
        sequence = self._sequences if self._steps else None
        self._calls.append((layer, value, sequence, math.prod(self._steps)))
        return self._passed_on(layer, value)

    def _in_time(self, layer: keras.Layer, inputs: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        with self._sequence(inputs):
            return type(layer).call(layer, inputs, *args, **kwargs)

    @contextlib.contextmanager
    def _sequence(self, inputs: Tensor) -> Iterator[None]:
        """While it lasts, calls are those of time steps; of the outermost sequence, if nested."""
        self._sequences += not self._steps
        self._steps.append(inputs.shape[1] or 1)
        yield
        self._steps.pop()

    def _fail(self, message: str) -> None:
        self._error = ValueError(message)
        raise self._error


def _with_cuts(calls: list[_Call]) -> Calls:
    """One cut a call, or one for the calls of a layer at all time steps of a sequence."""
    times = Counter((id(call.layer), call.sequence) for call in calls)
    made: Counter[int] = Counter()
    names: Counter[str] = Counter()
    sequences: dict[tuple[Any, ...], list[Cut]] = {}  # of each the cuts of one time step
    seen: Counter[tuple[Any, ...]] = Counter()
    cuts, cut_of = [], {}
    for call in calls:
        key, step = (id(call.layer), call.sequence), None
        if call.sequence is not None:
            step, place = divmod(seen[key], times[key] // call.steps)
            seen[key] += 1
        if not step:
            shape, steps = tuple(call.shape[1:]), None if step is None else call.steps
            shape = shape if steps is None else (steps, *shape)
            cuts.append(Cut(numbered(call.layer.name, names), call.layer, shape, steps))
            sequences.setdefault(key, []).append(cuts[-1])
        cut = cuts[-1] if step is None else sequences[key][place]
        cut_of[id(call.layer), made[id(call.layer)]] = cut.name, step
        made[id(call.layer)] += 1
    return Calls(cuts, cut_of)


def _check_same(calls: list[_Call], in_training: list[_Call]) -> None:
    """Raises a `ValueError` if training calls a layer more or less often, or in another shape."""
    shapes: dict[int, tuple[Any, ...]] = {id(one.layer): ([], []) for one in [*calls, *in_training]}
    for number, some in enumerate((calls, in_training)):
        for call in some:
            shapes[id(call.layer)][number].append(call.shape)
    for call in [*calls, *in_training]:
        inference, training = shapes[id(call.layer)]
        if inference != training:
            raise ValueError(
                "A relaxed layer must be called as often, and with the same shapes, in training "
                f"as in inference. {_LEAVE_OUT}. Received: layer `{call.layer.name}` "
                f"({type(call.layer).__name__}), called {len(inference)} times in inference and "
                f"{len(training)} times in training"
            )


def _check_shape(layer: keras.Layer, shape: tuple[int | None, ...], batch: int) -> None:
    if None in shape[1:]:
        raise ValueError(
            "The values of a relaxed layer must have a fixed shape, for its targets have one. Give "
            "`keras.Input` its full shape, or leave the layer out of `relax`. Received: layer "
            f"`{layer.name}` ({type(layer).__name__}) with values of shape {(None, *shape[1:])}"
        )
    if not shape or shape[0] not in (batch, None):
        raise ValueError(
            "The first axis of a relaxed layer's values must be the examples, for each has targets "
            f"of its own. {_LEAVE_OUT}. Received: layer `{layer.name}` ({type(layer).__name__}) "
            f"with values of shape {shape} for a batch of {batch}"
        )


def _batch_of(count: int, tensor: Tensor) -> Any:
    """A symbolic input of some examples: two, so that no axis of size one passes for the batch."""
    return keras.KerasTensor((count, *tensor.shape[1:]), tensor.dtype, sparse=tensor.sparse)
