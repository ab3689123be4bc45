"""Links of a chain: what stands between one target and the next, and what it computes.

A link is a Dense layer, or a residual block of stock layers around one whose sum is relaxed:
`Add()([h, Rescaling(s)(Dense(units)(Activation(f)(h)))])`, the Rescaling and the Activation where
they are. Chains are made of equal links; see `find_chains`.
"""

from collections.abc import Callable
from numbers import Real
from typing import Any

import keras

from raikeras.typing import Tensor


class Wiring:
    """Which nodes of a Functional graph make its tensors, and which take them.

    Args:
        graph: The Functional model.
        nodes: Its nodes, in order.
    """

    def __init__(self, graph: keras.Model, nodes: list[Any]) -> None:
        self._makers = {id(tensor): node for node in nodes for tensor in node.outputs}
        self._takers: dict[int, list[Any]] = {}
        for node in nodes:
            for tensor in node.input_tensors:
                self._takers.setdefault(id(tensor), []).append(node)
        self._ends = {id(tensor) for tensor in keras.tree.flatten(graph.outputs)}

    def maker(self, tensor: Any) -> Any:
        """The node that makes a tensor, `None` for an input of the graph."""
        return self._makers.get(id(tensor))

    def takers(self, node: Any) -> list[Any]:
        """The nodes that take a node's output, one entry for each time; none if it is an end."""
        tensor = node.outputs[0]
        return [] if id(tensor) in self._ends else self._takers.get(id(tensor), [])

    def behind(self, node: Any) -> keras.Operation | None:
        """What alone takes a node's output, `None` if that is not one."""
        takers = self.takers(node)
        return takers[0].operation if len(takers) == 1 else None


class Link:
    """A relaxed layer and the Dense layer whose weights its own value has.

    Args:
        nodes: The nodes of a graph that belong to it, in order. The first takes the value of the
            link before, the last is the relaxed layer's.
        dense: The Dense layer.

    Attributes:
        layer: The relaxed layer.
        activation: The relaxed layer's own activation.
    """

    def __init__(self, nodes: list[Any], dense: keras.layers.Dense) -> None:
        self.nodes, self.dense = nodes, dense
        self.layer = nodes[-1].operation
        self.activation: Callable[[Tensor], Tensor] = keras.activations.linear

    @property
    def inputs(self) -> Any:
        """The symbolic tensor that it takes."""
        return self.nodes[0].input_tensors[0]

    def own(self, inputs: Tensor, affine: Callable[[Tensor], Tensor], own_before: bool) -> Tensor:
        """The relaxed layer's own value, or those of all equal links of a chain.

        Args:
            inputs: What the link is fed, `(batch, units)` or `(layers, batch, units)`.
            affine: What kernel and bias make of a tensor of this shape.
            own_before: Whether it is the value before the relaxed layer's activation.
        """
        raise NotImplementedError

    def signature(self) -> tuple[Any, ...]:
        """What must be equal for two links to be stacked."""
        dense = self.dense
        described = tuple(one and (type(one), repr(one.get_config())) for one in settings_of(dense))
        policy = dense.dtype_policy.name
        same = dense.units, dense.use_bias, id(dense.activation), policy, dense.trainable
        return type(self), *same, described


class DenseLink(Link):
    """A relaxed Dense layer."""

    def __init__(self, node: Any) -> None:
        super().__init__([node], node.operation)
        self.activation = self.dense.activation

    def own(self, inputs: Tensor, affine: Callable[[Tensor], Tensor], own_before: bool) -> Tensor:
        value = affine(inputs)
        return value if own_before else self.activation(value)


class ResidualLink(Link):
    """A residual block whose Add is relaxed.

    Args:
        nodes: Those of its layers: Activation or none, Dense, Rescaling or none, Add.
    """

    def __init__(self, nodes: list[Any]) -> None:
        layers = {type(node.operation): node.operation for node in nodes}
        super().__init__(nodes, layers[keras.layers.Dense])
        self.before = layers.get(keras.layers.Activation)
        self.rescaling = layers.get(keras.layers.Rescaling)

    def own(self, inputs: Tensor, affine: Callable[[Tensor], Tensor], own_before: bool) -> Tensor:
        branch = inputs if self.before is None else self.before.activation(inputs)
        branch = self.dense.activation(affine(branch))
        return inputs + (branch if self.rescaling is None else self.rescaling.call(branch))

    def signature(self) -> tuple[Any, ...]:
        before = None if self.before is None else id(self.before.activation)
        scale = None
        if self.rescaling is not None:
            scale = float(self.rescaling.scale), float(self.rescaling.offset)
        return *super().signature(), before, scale


def dense_link(node: Any) -> DenseLink | None:
    """The link of a Dense layer's node, `None` if it is none."""
    return DenseLink(node) if _is_square(node.operation) else None


def residual_link(node: Any, wiring: Wiring) -> ResidualLink | None:
    """The residual block that ends in an Add's node, `None` if it is none."""
    if not _is_plain(node.operation, keras.layers.Add) or len(node.input_tensors) != 2:
        return None
    for start, branch in (node.input_tensors, node.input_tensors[::-1]):
        nodes = _branch(start, branch, wiring)
        if nodes is not None:
            policies = {one.operation.dtype_policy.name for one in (*nodes, node)}
            return ResidualLink([*nodes, node]) if len(policies) == 1 else None
    return None


def _branch(start: Any, end: Any, wiring: Wiring) -> list[Any] | None:
    """The nodes from one tensor to another, if they are those of a block that nothing taps."""
    nodes: list[Any] = []
    tensor = end
    for fits, needed in ((_is_rescaling, False), (_is_square, True), (_is_activation, False)):
        node = wiring.maker(tensor)
        if tensor is start or node is None or not fits(node.operation):
            if needed:
                return None
            continue
        if len(wiring.takers(node)) != 1:
            return None
        nodes.insert(0, node)
        tensor = node.input_tensors[0]
    return nodes if tensor is start else None


def can_be_stacked(layer: Any) -> bool:
    """Whether a layer is a Dense as Keras makes it and runs it."""
    return (
        _is_plain(layer, keras.layers.Dense)
        and not isinstance(layer.activation, keras.Layer)
        and not getattr(layer, "lora_enabled", False)
        and not getattr(layer, "quantization_mode", None)
    )


def settings_of(layer: keras.layers.Dense) -> tuple[Any, ...]:
    """What acts on a layer's weights besides the optimizer; `None` where nothing does."""
    return (
        layer.kernel_regularizer,
        layer.bias_regularizer,
        layer.kernel_constraint,
        layer.bias_constraint,
    )


def _is_plain(layer: Any, kind: type[keras.Layer]) -> bool:
    return (
        type(layer) is kind
        and "call" not in vars(layer)
        and layer.supports_masking
        and layer.activity_regularizer is None
    )


def _is_square(layer: Any) -> bool:
    return can_be_stacked(layer) and tuple(layer.kernel.shape) == (layer.units, layer.units)


def _is_activation(layer: Any) -> bool:
    plain = _is_plain(layer, keras.layers.Activation)
    return plain and not isinstance(layer.activation, keras.Layer)


def _is_rescaling(layer: Any) -> bool:
    plain = _is_plain(layer, keras.layers.Rescaling)
    return plain and isinstance(layer.scale, Real) and isinstance(layer.offset, Real)
