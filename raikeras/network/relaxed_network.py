"""The relaxed network: a user's net whose chosen layers are cut open and fed by targets.

A net is run in one of three ways: `record` is the deployed forward pass and notes the value at each
cut; `replay` is the relaxed path, in which each cut passes its target on instead of the layer's own
output and notes the pair for the mismatch; `perturb` is the forward pass of training with an offset
added at each cut, whose gradient is the task loss' gradient by the values there.
"""

import contextlib
import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import graph_nodes, graph_of, shortened
from raikeras.network.calls import find_calls
from raikeras.network.chain import Chain, Place
from raikeras.network.cut import (
    Block,
    activated,
    calls_replaced,
    can_cut_before_activation,
    replaced,
)
from raikeras.network.find_chains import find_chains
from raikeras.network.hidden_loss import Pair
from raikeras.network.links import can_be_stacked
from raikeras.network.rounding import (
    around_forward,
    held_at_kink,
    held_where_noise,
    without_noise,
)
from raikeras.rows.layout import Group, groups_of
from raikeras.typing import Nest, Tensor

PLACES = ("pre_activation", "post_activation")


class RelaxedNetwork:
    """A net with cuts at its relaxed layers.

    Args:
        net: A built Sequential or Functional model.
        layers: The layers to relax; a shared layer has one cut per call.
        at: `"pre_activation"` or `"post_activation"`, where a layer is cut.
        matching: Whether mismatches are matching losses: these compare a target, wherever it
            stands, with the layer's pre-activation, and task gradients are taken there too.
        stack: Whether to look for chains of equal layers.
        kink: Whether the hidden loss has no slope where nothing mismatches; there it is not
            differentiated: that of an absolute value at zero is 1 to JAX, 0 to others.

    Attributes:
        layers: The relaxed layers, in the order of the forward pass.
        cuts: One `Cut` per call of a relaxed layer, in the order of the forward pass.
        chains: The chains of equal layers. While they are attached each is run as one.
        groups: The `Group`s of the cuts: tensors of targets and values are lists of one for each.
        mesh: The devices over which chains are spread, `None` for one.
        why_apart: Why other equal layers make no chain, `None` if there are none.
    """

    def __init__(
        self,
        net: keras.Model,
        layers: list[keras.Layer],
        at: str,
        matching: bool = False,
        stack: bool = True,
        kink: bool = False,
    ) -> None:
        if at not in PLACES:
            raise ValueError(f"`at` must be one of {PLACES}. Received: at={at!r}")
        self._net, self._matching, self._kink = net, matching, kink
        self._call_of = {id(layer): layer.call for layer in layers}
        self._place = Place(at == "pre_activation", matching or at == "pre_activation")
        for layer in layers:
            if self._place.own_before and not can_cut_before_activation(layer):
                raise ValueError(
                    f"Layer `{layer.name}` ({type(layer).__name__}) has no single pre-activation: "
                    "its `call` is not Keras' own, which ends in the activation, or has more. "
                    'Use at="post_activation" and no matching loss, or leave the layer out of '
                    f"`relax`. Received: at={at!r}"
                )
        # Those in a model inside the net might be called from a loop, which the trace must see.
        nodes = {id(node.operation) for node in dict(graph_nodes(net)).get(graph_of(net), [])}
        plain = {id(one) for one in layers if id(one) in nodes and can_be_stacked(one)}
        own = functools.partial(self._own_in_shape, plain)
        calls = find_calls(net, layers, own, self._passed_on)
        self.layers = list(dict.fromkeys(cut.layer for cut in calls.cuts))
        times = Counter(id(cut.layer) for cut in calls.cuts)
        once = [
            cut.layer for cut in calls.cuts if len(cut.shape) == 1 and times[id(cut.layer)] == 1
        ]
        self.mesh = load_backend().layers_sharding()
        self.chains, self.why_apart = find_chains(net, self.layers, once if stack else [])
        self.cuts = calls.cuts
        self.groups = groups_of(self.cuts, self.chains)
        places = {cut.name: place for place, cut in enumerate(self.cuts)}
        self._places = {key: (places[name], step) for key, (name, step) in calls.cut_of.items()}

    @property
    def target_before(self) -> bool:
        """Whether targets stand before the activation."""
        return self._place.target_before

    @property
    def size(self) -> int:
        """Number of target units an example has in all cuts together."""
        return sum(cut.size for cut in self.cuts)

    @property
    def dtype(self) -> str:
        """The widest variable dtype of the relaxed layers, which targets have."""
        # `keras.backend.result_type` would demote float64 on JAX.
        dtypes = {cut.layer.variable_dtype for cut in self.cuts}
        return max(dtypes, key=("float16", "bfloat16", "float32", "float64").index)

    @property
    def weights(self) -> list[keras.Variable]:
        """The trainable weights of relaxed layers, as they train: attached chains stacked."""
        relaxed = {id(layer) for layer in self.layers}
        chains = [one for one in self.chains if one.attached and id(one.dense[0]) in relaxed]
        stacked = {id(layer) for chain in chains for layer in chain.layers}
        found = [variable for chain in chains for variable in chain.variables]
        for layer in self.layers:
            if id(layer) not in stacked:
                found += layer.trainable_variables
        return found

    def run(self, inputs: Nest, training: bool | None = None) -> Nest:
        """The deployed network's outputs."""
        with self._chains_intercepted(lambda chain, x: chain.forward(x, self._place)[0]):
            return self._net(inputs, training=training)

    def record(self, inputs: Nest) -> tuple[Nest, list[Tensor]]:
        """The deployed forward pass, in inference mode.

        Returns:
            The net's outputs, and the values at the cuts, a list of a tensor for each group.
        """
        return self._forward(inputs, None, training=False)

    def perturb(
        self, inputs: Nest, offsets: list[Tensor], unroll: bool = False
    ) -> tuple[Nest, list[Tensor]]:
        """A forward pass in training mode with an offset added to each relaxed layer's own value.

        The gradient of a loss of the outputs by the offsets is backpropagation's, at the cuts or,
        with matching losses, at the pre-activations.

        Args:
            inputs: The net's inputs.
            offsets: A list of a tensor for each group.
            unroll: Whether the layers of a chain are traced one by one.

        Returns:
            The net's outputs, and the values at the cuts, likewise, offsets included.
        """
        return self._forward(inputs, self._parts(offsets), training=True, unroll=unroll)

    def replay(
        self,
        inputs: Nest,
        targets: list[Tensor],
        fresh: Tensor | None,
        fed: list[Tensor] | None = None,
    ) -> tuple[Nest, list[Pair]]:
        """The relaxed path, in training mode: each cut hands on what it is fed with.

        Args:
            inputs: The net's inputs.
            targets: A list of a tensor for each group, the rows of the batch.
            fresh: Booleans `(batch, 1)`, the rows that `record` has just set; `None` for none.
            fed: Likewise, what the cuts hand on. `None`: the targets.

        Returns:
            The net's outputs, and a `Pair` for every cut; one for all cuts of a chain.
        """
        computed = {layer.compute_dtype for layer in self.layers}
        narrow = not computed.isdisjoint(("bfloat16", "float16"))
        pairs: dict[int, Pair] = {}
        # By place: own values and inputs at the time steps so far.
        in_time: dict[int, list[tuple[Tensor, Tensor]]] = {}
        target_parts = self._parts(targets)
        fed_parts = target_parts if fed is None else self._parts(fed)
        places = {block.places[0]: block.places for block in self.blocks()}

        def keep(
            place: int,
            layer: keras.Layer | Chain,
            own: Tensor,
            inputs: Tensor,
            chain: Chain | None = None,
        ) -> None:
            target = target_parts[place]
            if fed is not None:
                if fresh is not None and narrow:
                    at_cut = self._at_cut(layer, own)
                    target = around_forward(target, fed_parts[place], at_cut)
            elif self._kink:
                own, target = held_at_kink(own, target)
            elif self._matching:
                at_cut = self._at_cut(layer, own)
                own, target = held_where_noise(own, target, at_cut, fresh, chain)
            else:
                own = without_noise(own, target, fresh, chain)
            pairs[place] = Pair(target, own, inputs, chain, places[place])

        def single(
            place: int, step: int | None, layer: keras.Layer, *args: Any, **kwargs: Any
        ) -> Tensor:
            own = self._own(layer, *args, **kwargs)
            given = args[0] if args else next(iter(kwargs.values()))
            handed = fed_parts[place]
            if step is None:
                keep(place, layer, own, given)
            else:
                handed = handed[:, step]
                in_time.setdefault(place, []).append((own, given))
                if len(in_time[place]) == self.cuts[place].steps:
                    keep(place, layer, *keras.tree.map_structure(_over_time, *in_time[place]))
            return self._after_cut(layer, ops.cast(handed, own.dtype))

        def together(place: int, chain: Chain, x: Tensor) -> Tensor:
            output, own, inputs = chain.together(x, fed_parts[place], self._place)
            keep(place, chain, own, inputs, chain)
            return output

        with self._intercepted(single, together):
            outputs = self._net(inputs, training=True)
        self._check_complete(pairs)
        return outputs, [pairs[place] for place in sorted(pairs)]

    def mismatches(self, pairs: list[Pair]) -> list[Tensor]:
        """Target minus the layer's own value of all pairs, a list of a tensor for each group."""
        found = {
            pair.places[0]: [pair.target - ops.cast(pair.own, pair.target.dtype)] for pair in pairs
        }
        return [self._joined(group, found) for group in self.groups]

    def shifted(self, pairs: list[Pair], by: list[Tensor]) -> list[Pair]:
        """The pairs with something added to their targets, a list of a tensor for each group."""
        parts = self._parts(by)
        return [
            pair._replace(target=pair.target + ops.cast(parts[pair.places[0]], pair.target.dtype))
            for pair in pairs
        ]

    def _forward(
        self, inputs: Nest, offsets: dict[int, Tensor] | None, training: bool, unroll: bool = False
    ) -> tuple[Nest, list[Tensor]]:
        values: dict[int, list[Tensor]] = {}  # by place, at every time step if there are some

        def single(
            place: int, step: int | None, layer: keras.Layer, *args: Any, **kwargs: Any
        ) -> Tensor:
            own = self._own(layer, *args, **kwargs)
            if offsets is not None:
                offset = offsets[place] if step is None else offsets[place][:, step]
                own = own + ops.cast(offset, own.dtype)
            value = self._at_cut(layer, own)
            values.setdefault(place, []).append(value)
            return self._after_cut(layer, value)

        def together(place: int, chain: Chain, x: Tensor) -> Tensor:
            output, own = chain.forward(
                x, self._place, None if offsets is None else offsets[place], unroll
            )
            values[place] = [own]
            return output

        with self._intercepted(single, together):
            outputs = self._net(inputs, training=training)
        self._check_complete(values)
        return outputs, [self._joined(group, values) for group in self.groups]

    def _joined(self, group: Group, values: dict[int, list[Tensor]]) -> Tensor:
        """The values of a group's cuts, each a list of one tensor a time step, as one tensor."""
        if group.stacked and group.places[-1] not in values:
            return values[group.places[0]][0]  # of an attached chain
        found = [values[place] for place in group.places]
        flat = [_flat(one[0] if len(one) == 1 else _over_time(*one)) for one in found]
        return ops.stack(flat) if group.stacked else ops.concatenate(flat, axis=-1)

    def _check_complete(self, found: dict[int, Any]) -> None:
        """Raises a `ValueError` if a layer was not called, whose target would be another's."""
        missing = [block.cut.name for block in self.blocks() if block.places[0] not in found]
        if missing:
            raise ValueError(
                "A relaxed layer must be called in every pass of the net. Leave it out of `relax`. "
                f"Received: cut `{missing[0]}`, which this pass did not reach"
            )

    def _parts(self, tensors: list[Tensor]) -> dict[int, Tensor]:
        """The groups' tensors by place, in the shape of the cut, or whole for an attached chain."""
        attached = {block.places[0] for block in self.blocks() if block.chain is not None}
        found: dict[int, Tensor] = {}
        for group, tensor in zip(self.groups, tensors, strict=True):
            if group.places[0] in attached:
                found[group.places[0]] = tensor
                continue
            if group.stacked:
                parts = ops.unstack(tensor, len(group.places), axis=0)
            else:
                edges = np.cumsum(group.sizes)[:-1].tolist()
                # TensorFlow cannot split at no place.
                parts = ops.split(tensor, edges, axis=-1) if edges else [tensor]
            for place, shape, part in zip(group.places, group.shapes, parts, strict=True):
                found[place] = ops.reshape(part, (-1, *shape))
        return found

    def blocks(self) -> list[Block]:
        """The cuts in the order of `replay`'s pairs: one block for each, or for a whole chain."""
        stacked = [group for group in self.groups if group.stacked]
        blocks = [
            Block(group.places, self.cuts[group.places[0]], chain)
            for group, chain in zip(stacked, self.chains, strict=True)
            if chain.attached
        ]
        within = {place for block in blocks for place in block.places}
        blocks += [
            Block((place,), cut) for place, cut in enumerate(self.cuts) if place not in within
        ]
        return sorted(blocks, key=lambda block: block.places[0])

    def _own(self, layer: keras.Layer, *args: Any, **kwargs: Any) -> Tensor:
        """The layer's own value: what a hidden loss compares with its target."""
        call = self._call_of[id(layer)]
        if not (self._place.own_before and hasattr(layer, "activation")):
            return call(*args, **kwargs)
        with replaced(layer, "activation", keras.activations.linear):
            return call(*args, **kwargs)

    def _own_in_shape(
        self, plain: set[int], layer: keras.Layer, *args: Any, **kwargs: Any
    ) -> Tensor:
        """A tensor like the layer's own value; a Dense has no product, for there are thousands."""
        shape = args[0].shape if args and id(layer) in plain else (None,)
        if None in shape:
            return self._own(layer, *args, **kwargs)
        value = ops.zeros((*shape[:-1], layer.units), layer.compute_dtype)
        return value if self._place.own_before else activated(layer, value)

    def _passed_on(self, layer: keras.Layer, own: Tensor) -> Tensor:
        """What the layer passes on, given its own value."""
        return self._after_cut(layer, self._at_cut(layer, own))

    def _at_cut(self, layer: keras.Layer | Chain, own: Tensor) -> Tensor:
        """The value at the layer's cut, given its own value."""
        return activated(layer, own) if self._place.activates else own

    def _after_cut(self, layer: keras.Layer, value: Tensor) -> Tensor:
        """What the layer passes on, given the value at its cut."""
        return activated(layer, value) if self._place.target_before else value

    @contextlib.contextmanager
    def _intercepted(
        self, single: Callable[..., Any], together: Callable[..., Any]
    ) -> Iterator[None]:
        """While it lasts, relaxed layers run as `single(place, time step, layer, ...)`.

        An attached chain runs as `together(place, chain, inputs)`; the place is that of its first
        cut. The time step is `None` where the cut has none.
        """
        count: Counter[int] = Counter()

        def run(layer: keras.Layer, *args: Any, **kwargs: Any) -> Tensor:
            place = self._places.get((id(layer), count[id(layer)]))
            count[id(layer)] += 1
            if place is None:
                raise ValueError(
                    "A relaxed layer must be called as often in every pass of the net. Leave it "
                    f"out of `relax`. Received: call {count[id(layer)]} of layer `{layer.name}`"
                )
            return single(*place, layer, *args, **kwargs)

        def run_chain(chain: Chain, inputs: Tensor) -> Tensor:
            return together(self._places[id(chain.layers[0]), 0][0], chain, inputs)

        fused = {id(layer) for chain in self.chains if chain.attached for layer in chain.layers}
        alone = [layer for layer in self.layers if id(layer) not in fused]
        with calls_replaced(alone, run), self._chains_intercepted(run_chain):
            yield

    @contextlib.contextmanager
    def _chains_intercepted(self, run: Callable[..., Any]) -> Iterator[None]:
        """While it lasts, each attached chain is one call, `run(chain, inputs)`."""
        with contextlib.ExitStack() as stack:
            attached = [chain for chain in self.chains if chain.attached]
            for graph in {id(chain.graph): chain.graph for chain in attached}.values():
                runs = [
                    (chain.nodes, functools.partial(run, chain))
                    for chain in attached
                    if chain.graph is graph
                ]
                stack.enter_context(shortened(graph, runs))
            yield


def _over_time(*tensors: Tensor) -> Tensor:
    """Tensors `(batch, ...)` of the time steps as one `(batch, steps, ...)`."""
    return ops.stack(tensors, axis=1)


def _flat(value: Tensor) -> Tensor:
    """A tensor `(batch, size)`."""
    return ops.reshape(value, (ops.shape(value)[0], math.prod(value.shape[1:])))
