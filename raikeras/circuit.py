"""The relaxed circuit: a user's net whose chosen layers are cut open and fed by targets.

A net is run in one of three ways: `record` is the deployed forward pass and notes the value at each
cut; `replay` is the relaxed path, in which each cut passes its target on instead of the layer's own
output and notes the pair for the mismatch; `perturb` is the forward pass of training with an offset
added at each cut, whose gradient is the task loss' gradient by the values there.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import keras
from keras import ops

from raikeras._steps.private import sublayers
from raikeras.layers import Relaxed

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

PLACES = ("pre_activation", "post_activation")


class Cut(NamedTuple):
    """One call of a relaxed layer: where a target replaces a value of shape `(batch, *shape)`."""

    name: str
    layer: keras.Layer
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of target units an example has here."""
        return math.prod(self.shape)


def choose_layers(net, relax) -> list[keras.Layer]:
    """The layers that `relax` names, in the order of the net.

    Args:
        net: The user's model.
        relax: A layer class, a tuple of classes, a list of layer names, or a predicate of a
            layer. Layers marked with `Relaxed` are added to any choice but the empty one.

    Raises:
        ValueError: If a name does not exist or the choice matches no layer.
        TypeError: If `relax` is none of the above.
    """
    layers = sublayers(net)
    marked = [layer.layer for layer in layers if isinstance(layer, Relaxed)]
    layers = [
        layer for layer in layers if not isinstance(layer, (Relaxed, keras.layers.InputLayer))
    ]
    if isinstance(relax, (tuple, list)) and not relax:
        return []
    if isinstance(relax, keras.Layer):
        raise TypeError(
            f"`relax` must name a layer: pass relax=[{relax.name!r}]. Received: the layer itself"
        )
    if isinstance(relax, type):
        relax = (relax,)
    if isinstance(relax, (tuple, list)) and all(isinstance(item, str) for item in relax):
        names = {layer.name for layer in layers}
        missing = sorted(set(relax) - names)
        if missing:
            raise ValueError(
                f"`relax` must name layers of the net. Received: {missing}, which do not exist. "
                f"Layers of `{net.name}`: {sorted(names)}"
            )
        wanted = set(relax)
        chosen = [layer for layer in layers if layer.name in wanted]
    elif isinstance(relax, tuple) and all(isinstance(item, type) for item in relax):
        chosen = [layer for layer in layers if isinstance(layer, relax)]
    elif callable(relax):
        chosen = [layer for layer in layers if relax(layer)]
    else:
        raise TypeError(
            "`relax` must be a layer class, a tuple of classes, a list of layer names, a "
            f"predicate, or () for none. Received: relax={relax!r}"
        )
    chosen = [layer for layer in layers if layer in chosen or layer in marked]
    if not chosen:
        kinds = sorted({type(layer).__name__ for layer in layers})
        raise ValueError(
            f"`relax` matches no layer of `{net.name}`. Received: relax={relax!r}; the net has "
            f"layers of the classes {kinds}. Pass relax=() to relax nothing."
        )
    return chosen


class Circuit:
    """A net with cuts at its relaxed layers.

    Args:
        net: A built Sequential or Functional model.
        layers: The layers to relax; a shared layer has one cut per call.
        at: `"pre_activation"` or `"post_activation"`, where a layer is cut.

    Attributes:
        cuts: One `Cut` per call of a relaxed layer, in the order of the forward pass.
    """

    def __init__(self, net, layers: list[keras.Layer], at: str):
        if at not in PLACES:
            raise ValueError(f"`at` must be one of {PLACES}. Received: at={at!r}")
        self._net, self._layers = net, layers
        self._pre = at == "pre_activation"
        for layer in layers:
            if self._pre and not _can_cut_before_activation(layer):
                raise ValueError(
                    f"Layer `{layer.name}` ({type(layer).__name__}) has no single pre-activation. "
                    'Use at="post_activation", or leave the layer out of `relax`. '
                    f"Received: at={at!r}"
                )
        self.cuts = self._find_cuts()

    @property
    def size(self) -> int:
        """Number of target units an example has in all cuts together."""
        return sum(cut.size for cut in self.cuts)

    @property
    def weights(self) -> list[keras.Variable]:
        """The trainable variables of the relaxed layers."""
        return [weight for cut in self.cuts for weight in cut.layer.trainable_variables]

    @property
    def dtype(self) -> str:
        """The widest variable dtype of the relaxed layers, which targets have."""
        # `keras.backend.result_type` would demote float64 on JAX.
        dtypes = {cut.layer.variable_dtype for cut in self.cuts}
        return max(dtypes, key=("float16", "bfloat16", "float32", "float64").index)

    def record(self, inputs):
        """The deployed forward pass, in inference mode.

        Returns:
            The net's outputs, and the values at the cuts as one tensor `(batch, size)`.
        """
        values = []

        def run(layer, *args, **kwargs):
            own = self._before_cut(layer, *args, **kwargs)
            values.append(_flat(own))
            return self._after_cut(layer, own)

        with self._intercepted(run):
            outputs = self._net(inputs, training=False)
        return outputs, ops.concatenate(values, axis=-1) if values else None

    def replay(self, inputs, targets, restarts, fed=None):
        """The relaxed path, in training mode: each cut hands its part of `fed` on.

        Args:
            inputs: The net's inputs.
            targets: Tensor `(batch, size)`, the rows of the batch.
            restarts: Booleans `(batch, 1)`, the rows that `record` has just set.
            fed: Tensor `(batch, size)`, what the layers pass on. `None`: the targets.

        Returns:
            The net's outputs, and per cut the pair (target, the layer's own output).
        """
        pairs: list[tuple] = []
        parts = iter(self._split(targets))
        handed_on = parts if fed is None else iter(self._split(fed))

        def run(layer, *args, **kwargs):
            own = self._before_cut(layer, *args, **kwargs)
            shape = self.cuts[len(pairs)].shape
            target = ops.reshape(next(parts), (-1, *shape))
            fresh = ops.reshape(restarts, (-1, *(1 for _ in shape)))
            # A compiler may round `record` and `replay` differently. Where a row has just started
            # such a mismatch is zero, and a rule that reads signs must not see the noise.
            noise = ops.stop_gradient(ops.cast(target, own.dtype) - own)
            rounded = ops.abs(noise) <= _rounding(own.dtype) * (1 + ops.abs(own))
            noise = ops.where(ops.logical_and(fresh, rounded), noise, ops.zeros_like(noise))
            pairs.append((target, own + noise))
            value = target if fed is None else ops.reshape(next(handed_on), (-1, *shape))
            return self._after_cut(layer, ops.cast(value, own.dtype))

        with self._intercepted(run):
            outputs = self._net(inputs, training=True)
        return outputs, pairs

    def perturb(self, inputs, offsets):
        """The forward pass in training mode, with an offset added to the value at each cut.

        At offsets of zero a loss' gradient by the offsets is its gradient by the values.

        Args:
            inputs: The net's inputs.
            offsets: Tensor `(batch, size)`.

        Returns:
            The net's outputs, and the values at the cuts, offsets included, `(batch, size)`.
        """
        values: list = []
        parts = iter(self._split(offsets))

        def run(layer, *args, **kwargs):
            own = self._before_cut(layer, *args, **kwargs)
            offset = ops.reshape(next(parts), (-1, *self.cuts[len(values)].shape))
            value = own + ops.cast(offset, own.dtype)
            values.append(_flat(value))
            return self._after_cut(layer, value)

        with self._intercepted(run):
            outputs = self._net(inputs, training=True)
        return outputs, ops.concatenate(values, axis=-1) if values else None

    def _split(self, flat) -> list:
        """The parts of a tensor `(batch, size)`, one a cut."""
        edges = [0]
        for cut in self.cuts:
            edges.append(edges[-1] + cut.size)
        # TensorFlow cannot split at no place.
        return ops.split(flat, edges[1:-1], axis=-1) if len(edges) > 2 else [flat]

    def _find_cuts(self) -> list[Cut]:
        """Runs the net once on zeros and notes each call of a relaxed layer."""
        calls: list[tuple] = []

        def run(layer, *args, **kwargs):
            own = self._before_cut(layer, *args, **kwargs)
            calls.append((layer, own.shape))
            return self._after_cut(layer, own)

        if self._layers:
            net = self._net
            inputs = net.inputs[0] if isinstance(net, keras.Sequential) else net.input
            with self._intercepted(run):
                net(keras.tree.map_structure(_one_example, inputs), training=False)
        count: dict[str, int] = {}
        cuts = []
        for layer, shape in calls:
            count[layer.name] = count.get(layer.name, 0) + 1
            suffix = f":{count[layer.name]}" if count[layer.name] > 1 else ""
            cuts.append(Cut(layer.name + suffix, layer, tuple(shape[1:])))
        return cuts

    def _before_cut(self, layer, *args, **kwargs):
        """The layer's own value at its cut."""
        call = type(layer).call
        if not (self._pre and hasattr(layer, "activation")):
            return call(layer, *args, **kwargs)
        with _replaced(layer, "activation", keras.activations.linear):
            return call(layer, *args, **kwargs)

    def _after_cut(self, layer, value):
        """What the layer passes on, given the value at its cut."""
        if self._pre and getattr(layer, "activation", None) is not None:
            return layer.activation(value)
        return value

    @contextlib.contextmanager
    def _intercepted(self, run: Callable) -> Iterator[None]:
        """While it lasts, the relaxed layers' `call` is `run(layer, ...)`."""
        with contextlib.ExitStack() as stack:
            for layer in self._layers:
                stack.enter_context(_replaced(layer, "call", functools.partial(run, layer)))
            yield


def _can_cut_before_activation(layer) -> bool:
    return isinstance(layer, _WITH_PRE_ACTIVATION) or not hasattr(layer, "activation")


def _flat(value):
    """A value `(batch, ...)` as `(batch, units)`."""
    return ops.reshape(value, (ops.shape(value)[0], math.prod(value.shape[1:])))


def _rounding(dtype) -> float:
    """The relative difference that two compilations of one layer may show, with room to spare."""
    digits = {"float64": 52, "float32": 23, "float16": 10, "bfloat16": 7}
    return 2.0 ** (-0.75 * digits[keras.backend.standardize_dtype(dtype)])


def _one_example(tensor):
    """Zeros for one example of a symbolic input."""
    if None in tensor.shape[1:]:
        raise ValueError(
            "Inputs of a relaxed net must have a fixed shape, for its rows have one. Received: "
            f"`keras.Input` of shape {tensor.shape}. Give it its full shape."
        )
    return ops.zeros((tensor.shape[0] or 1, *tensor.shape[1:]), tensor.dtype)


@contextlib.contextmanager
def _replaced(layer, name: str, value) -> Iterator[None]:
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
