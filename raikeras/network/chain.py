"""Chains of equal links, trained as one stacked tensor; used by `RelaxedNetwork`.

With targets given no link of a chain waits for another, so one batched product serves them all.
The layers stay the user's: while a chain is attached, their weights are views of its stacked ones.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from raikeras.backend import load_backend
from raikeras.backend.names import STACKED
from raikeras.backend.views import make_views, release_views
from raikeras.network.links import Link
from raikeras.typing import Tensor


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
    """Equal links, each fed by the one before, with their weights stacked.

    Args:
        graph: The Functional model in whose graph they stand.
        links: The links, in order.

    Attributes:
        layers: The relaxed layers.
        dense: The Dense layers whose weights are stacked: the same, but in residual blocks.
        nodes: The nodes of all links.
        activation: The relaxed layers' own activation.
        kernel: Variable of shape `(layers, units, units)`.
        bias: Variable of shape `(layers, units)`, `None` without biases.
        attached: Whether the layers' own variables are views of the stacked ones.
    """

    def __init__(self, graph: keras.Model, links: list[Link]) -> None:
        self.graph, self._link = graph, links[0]
        self.layers = [link.layer for link in links]
        self.dense = [link.dense for link in links]
        self.nodes = [node for link in links for node in link.nodes]
        self.attached = False
        first = self.dense[0]
        self.units, self.activation = first.units, self._link.activation
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
        return all(layer.trainable for layer in self.dense)

    @property
    def variables(self) -> list[keras.Variable]:
        """The stacked variables."""
        return [self.kernel] if self.bias is None else [self.kernel, self.bias]

    @property
    def own_variables(self) -> list[list[keras.Variable]]:
        """The layers' variables, a list for each of `variables`."""
        kernels = [layer.kernel for layer in self.dense]
        return [kernels] if self.bias is None else [kernels, [x.bias for x in self.dense]]

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

        def own(inputs: Tensor, weights: list[Tensor]) -> Tensor:
            kernel, *more = weights
            bias = None if self.bias is None else more.pop(0)

            def affine(tensor: Tensor) -> Tensor:
                product = ops.matmul(tensor, kernel)
                return product if bias is None else product + bias

            value = self._link.own(inputs, affine, place.own_before)
            value = value + more.pop(0) if more else value
            return self.activation(value) if place.activates else value

        def layer(value: Tensor, weights: list[Tensor]) -> tuple[Tensor, Tensor]:
            # The carry and what is kept have one shape and dtype, as TensorFlow's loop wants it.
            value = own(self._handed(value, place), weights)
            return value, value

        weights = [self._cast(variable) for variable in self.variables]
        if offsets is not None:
            weights.append(self._cast(offsets))
        if load_backend().layers_sharding() is not None:
            last, values = load_backend().scan_in_stages(
                own, lambda value: self._handed(value, place), self._cast(inputs), weights
            )
            return self._handed(last, place), values
        # The first layer's input has no cut before it, so that layer stands before the loop.
        value = own(self._cast(inputs), [tensor[0] for tensor in weights])
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
        if load_backend().layers_sharding() is not None:
            # Neighbours exchange one layer's values; a split would gather all of them everywhere.
            last = ops.sum(ops.where(self._is_layer(-1), handed, 0), axis=0)
            inputs = ops.where(
                self._is_layer(0), self._cast(inputs)[None], ops.roll(handed, 1, axis=0)
            )
            return last, self._link.own(inputs, self._affine, place.own_before), inputs
        # Split, for the gradient of a slice is as large as the whole and slow on TensorFlow.
        inner, last = ops.split(handed, [len(self) - 1], axis=0)
        inputs = ops.concatenate([self._cast(inputs)[None], inner], axis=0)
        own = self._link.own(inputs, self._affine, place.own_before)
        return ops.squeeze(last, 0), own, inputs

    def _is_layer(self, number: int) -> Tensor:
        """Booleans `(layers, 1, 1)`."""
        chosen = np.zeros((len(self), 1, 1), bool)
        chosen[number] = True
        return ops.convert_to_tensor(chosen)

    def _affine(self, inputs: Tensor) -> Tensor:
        """What the layers' kernels and biases make of `(layers, batch, units)`."""
        kernel, parts = self._cast(self.kernel), load_backend().parts_of_products(len(self))
        if parts == 1:
            product = ops.matmul(inputs, kernel)
        else:
            edges = [len(self) * part // parts for part in range(1, parts)]
            pairs = zip(*(ops.split(one, edges, axis=0) for one in (inputs, kernel)), strict=True)
            product = ops.concatenate([ops.matmul(*pair) for pair in pairs], axis=0)
        return product if self.bias is None else product + self._cast(self.bias)[:, None]

    def _handed(self, value: Tensor, place: Place) -> Tensor:
        """What the next layer is fed, given the value at a cut."""
        return self.activation(value) if place.target_before else value

    def _cast(self, tensor: Tensor) -> Tensor:
        return ops.cast(ops.convert_to_tensor(tensor, sparse=False), self.layers[0].compute_dtype)

    def _stacked(self, name: str, part: keras.Variable, constraint: Any) -> keras.Variable:
        names = f"{STACKED}_{name}_{self.dense[0].name}_to_{self.dense[-1].name}"
        shape = (len(self.layers), *part.shape)
        variable = keras.Variable("zeros", shape, part.dtype, name=names)
        variable.constraint = constraint
        return variable
