"""Chains of equal Dense layers, trained as one stacked tensor; used by `RelaxedNetwork`.

With targets given no layer of a chain waits for another, so one batched product serves them all.
The layers stay the user's: while a chain is attached, their weights are views of its stacked ones.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
from keras import ops

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import excluded_from_decay, graph_nodes
from raikeras.backend.views import make_views, release_views
from raikeras.typing import Tensor

# Keras' optimizers that treat every weight by itself do the same to a stack of them. One of the
# library, or of a user, says so by `elementwise`.
_ELEMENTWISE = (
    keras.optimizers.SGD,
    keras.optimizers.RMSprop,
    keras.optimizers.Adam,
    keras.optimizers.AdamW,
    keras.optimizers.Adamax,
    keras.optimizers.Nadam,
    keras.optimizers.Adagrad,
    keras.optimizers.Adadelta,
    keras.optimizers.Ftrl,
    keras.optimizers.Lion,
)
# The same of what acts on a layer's weights, besides.
_ELEMENTWISE_SETTINGS = (
    keras.regularizers.L1,
    keras.regularizers.L2,
    keras.regularizers.L1L2,
    keras.constraints.NonNeg,
)


class Place(NamedTuple):
    """Where a layer is cut.

    Attributes:
        target_before: Whether its target stands before its activation.
        own_before: Whether its own value, which a hidden loss compares with the target, does.
    """

    target_before: bool
    own_before: bool

    @property
    def activates(self) -> bool:
        """Whether the activation stands between its own value and its target."""
        return self.own_before and not self.target_before


class Chain:
    """Equal Dense layers, each fed by the one before, with their weights stacked.

    Args:
        graph: The Functional model in whose graph they stand.
        nodes: Their nodes in that graph, in order.

    Attributes:
        layers: The layers.
        kernel: Variable of shape `(layers, units, units)`.
        bias: Variable of shape `(layers, units)`, `None` without biases.
        attached: Whether the layers' own variables are views of the stacked ones.
    """

    def __init__(self, graph: keras.Model, nodes: list[Any]) -> None:
        self.graph, self.nodes = graph, nodes
        self.layers = [node.operation for node in nodes]
        self.attached = False
        first = self.layers[0]
        self.units, self.activation = first.units, first.activation
        self.kernel = self._stacked("kernel", first.kernel, first.kernel_constraint)
        self.bias = None
        if first.use_bias:
            self.bias = self._stacked("bias", first.bias, first.bias_constraint)
        self._regularizers = [
            (variable, regularizer)
            for variable, regularizer in (
                (self.kernel, first.kernel_regularizer),
                (self.bias, first.bias_regularizer),
            )
            if variable is not None and regularizer is not None
        ]

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def trainable(self) -> bool:
        """Whether all its layers are to be trained."""
        return all(layer.trainable for layer in self.layers)

    @property
    def variables(self) -> list[keras.Variable]:
        """The stacked variables."""
        return [self.kernel] if self.bias is None else [self.kernel, self.bias]

    @property
    def own_variables(self) -> list[list[keras.Variable]]:
        """The layers' variables, a list for each of `variables`."""
        kernels = [layer.kernel for layer in self.layers]
        return [kernels] if self.bias is None else [kernels, [x.bias for x in self.layers]]

    # While training

    def attach(self) -> None:
        """Stacks the layers' weights; the layers' variables become views of the stack."""
        for stacked, parts in zip(self.variables, self.own_variables, strict=True):
            make_views(stacked, parts)
        self.attached = True

    def release(self) -> None:
        """Gives every layer its weights back."""
        self.attached = False
        for stacked, parts in zip(self.variables, self.own_variables, strict=True):
            release_views(parts, stacked)

    def losses(self) -> list[Tensor]:
        """The layers' regularisation, each kind summed over the layers."""
        return [regularizer(variable) for variable, regularizer in self._regularizers]

    def forward(
        self, inputs: Tensor, place: Place, offsets: Tensor = None, unroll: bool = False
    ) -> tuple[Tensor, Tensor]:
        """The layers one after another, without a Python loop unless it is asked for.

        Args:
            inputs: Tensor `(batch, units)`.
            place: Where the layers are cut.
            offsets: Tensor `(layers, batch, units)`, added to the layers' own values.
            unroll: Whether to loop in Python, where the backend cannot differentiate a loop.

        Returns:
            The last layer's output, and the values at the cuts, `(layers, batch, units)`.
        """

        def layer(value: Tensor, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
            # The carry and what is kept have one shape and dtype, as TensorFlow's loop wants it.
            kernel, *more = weights
            own = ops.matmul(self._handed(value, place), kernel)
            if self.bias is not None:
                own = own + more.pop(0)
            own = own if place.own_before else self.activation(own)
            own = own + more.pop(0) if more else own
            value = self.activation(own) if place.activates else own
            return value, value

        weights = [self._cast(variable) for variable in self.variables]
        if offsets is not None:
            weights.append(self._cast(offsets))
        inputs = self._cast(inputs)
        # The first layer's input has no cut before it, so that layer stands before the loop.
        first = [tensor[0] for tensor in weights]
        own = ops.matmul(inputs, first[0])
        own = own + first[1] if self.bias is not None else own
        own = own if place.own_before else self.activation(own)
        own = own + first[-1] if offsets is not None else own
        value = self.activation(own) if place.activates else own
        if unroll:
            values = [value]
            for number in range(1, len(self)):
                value, _ = layer(value, [tensor[number] for tensor in weights])
                values.append(value)
            return self._handed(value, place), ops.stack(values)
        last, values = ops.scan(layer, value, [tensor[1:] for tensor in weights])
        values = ops.concatenate([value[None], values], axis=0)
        return self._handed(last, place), values

    def together(self, inputs: Tensor, fed: Tensor, place: Place) -> tuple[Tensor, Tensor, Tensor]:
        """All layers at once, each fed by the value handed on at the cut before it.

        Args:
            inputs: Tensor `(batch, units)`, what the first layer is fed.
            fed: Tensor `(layers, batch, units)`, the values handed on at the cuts.
            place: Where the layers are cut.

        Returns:
            The last layer's output, the layers' own values and their inputs, both
            `(layers, batch, units)`.
        """
        handed = self._handed(self._cast(fed), place)
        # Split, for the gradient of a slice is as large as the whole and slow on TensorFlow.
        inner, last = ops.split(handed, [len(self) - 1], axis=0)
        inputs = ops.concatenate([self._cast(inputs)[None], inner], axis=0)
        own = self._product(inputs, self._cast(self.kernel))
        if self.bias is not None:
            own = own + self._cast(self.bias)[:, None]
        own = own if place.own_before else self.activation(own)
        return ops.squeeze(last, 0), own, inputs

    def _product(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The layers' matrix products, `(layers, batch, units)`."""
        parts = load_backend().parts_of_products(len(self))
        if parts == 1:
            return ops.matmul(inputs, kernel)
        edges = [len(self) * part // parts for part in range(1, parts)]
        pairs = zip(*(ops.split(one, edges, axis=0) for one in (inputs, kernel)), strict=True)
        return ops.concatenate([ops.matmul(*pair) for pair in pairs], axis=0)

    def _handed(self, value: Tensor, place: Place) -> Tensor:
        """What the next layer is fed, given the value at a cut."""
        return self.activation(value) if place.target_before else value

    def _cast(self, tensor: Tensor) -> Tensor:
        return ops.cast(ops.convert_to_tensor(tensor, sparse=False), self.layers[0].compute_dtype)

    def _stacked(self, name: str, part: keras.Variable, constraint: Any) -> keras.Variable:
        names = f"{self.layers[0].name}_to_{self.layers[-1].name}_{name}"
        shape = (len(self.layers), *part.shape)
        variable = keras.Variable("zeros", shape, part.dtype, name=names)
        variable.constraint = constraint
        return variable


def reason_not_stackable(optimizer: keras.optimizers.Optimizer) -> str | None:
    """Why an optimizer would not treat a stack of weights as it treats each of them, if so."""
    kind = type(optimizer)
    if kind not in _ELEMENTWISE and not vars(kind).get("elementwise", False):
        return f"the optimizer {kind.__name__} is not known to treat every weight by itself"
    for setting in ("clipnorm", "use_ema", "gradient_accumulation_steps"):
        if getattr(optimizer, setting):
            return f"the optimizer's `{setting}` looks at one variable at a time"
    if excluded_from_decay(optimizer):
        return "some variables are excluded from the optimizer's weight decay"
    return None


def find_chains(net: keras.Model, layers: list[keras.Layer]) -> tuple[list[Chain], str | None]:
    """The chains among the relaxed layers of a net, and why equal layers are left apart, if any.

    Args:
        net: A built Sequential or Functional model; nested ones are searched too.
        layers: Relaxed layers that are called once, with one vector of units an example.
    """
    wanted = {id(layer) for layer in layers}
    chains, reason = [], None
    for graph, nodes in graph_nodes(net):
        used: dict[int, list[Any]] = {}
        for node in nodes:
            for tensor in node.input_tensors:
                used.setdefault(id(tensor), []).append(node)
        ends = {id(tensor) for tensor in keras.tree.flatten(graph.outputs)}
        free = [node for node in nodes if id(node.operation) in wanted]
        free = [n for n in free if can_be_stacked(n.operation) and _is_square(n.operation)]
        follows = dict(_links(free, used, ends))
        heads = {id(node) for node in free} - {id(node) for node in follows.values()}
        for node in free:
            run = [node]
            while id(run[-1]) in follows:
                run.append(follows[id(run[-1])])
            if id(node) not in heads or len(run) < 2:
                continue
            settings = [one for one in _settings(node.operation) if one is not None]
            apart = [one for one in settings if type(one) not in _ELEMENTWISE_SETTINGS]
            if apart:
                reason = f"the layers' {type(apart[0]).__name__} looks at one layer at a time"
            else:
                chains.append(Chain(graph, run))
    return chains, reason


def _links(
    nodes: list[Any], used: dict[int, list[Any]], ends: set[int]
) -> Iterator[tuple[int, Any]]:
    """Pairs of (id of a node, the node of an equal layer that alone takes its output)."""
    among = {id(node) for node in nodes}
    for node in nodes:
        output = node.outputs[0]
        users = used.get(id(output), [])
        if len(users) != 1 or id(output) in ends or id(users[0]) not in among:
            continue
        if _signature(node.operation) == _signature(users[0].operation):
            yield id(node), users[0]


def can_be_stacked(layer: keras.Layer) -> bool:
    """Whether a layer is a Dense as Keras makes it and runs it."""
    return (
        type(layer) is keras.layers.Dense
        and "call" not in vars(layer)
        and layer.supports_masking
        and layer.activity_regularizer is None
        and not isinstance(layer.activation, keras.Layer)
        and not getattr(layer, "lora_enabled", False)
        and not getattr(layer, "quantization_mode", None)
    )


def _is_square(layer: keras.Layer) -> bool:
    return tuple(layer.kernel.shape) == (layer.units, layer.units)


def _settings(layer: keras.Layer) -> tuple[Any, ...]:
    """What acts on a layer's weights besides the optimizer; `None` where nothing does."""
    return (
        layer.kernel_regularizer,
        layer.bias_regularizer,
        layer.kernel_constraint,
        layer.bias_constraint,
    )


def _signature(layer: keras.Layer) -> tuple[Any, ...]:
    """What must be equal for two layers to be stacked."""
    described = tuple(one and (type(one), repr(one.get_config())) for one in _settings(layer))
    policy = layer.dtype_policy.name
    return layer.units, layer.use_bias, id(layer.activation), policy, layer.trainable, described
