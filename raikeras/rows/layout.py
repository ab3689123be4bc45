"""Groups: cuts whose targets are one tensor, in the layout in which a step wants them.

Targets, their gradients, values at the cuts and the rows of the store are lists of tensors, one a
group. The cuts of a chain of equal layers are a group `(layers, batch, units)`, so that nothing is
transposed in a step; all cuts that stand alone are one group `(batch, size)`, side by side.
"""

import functools
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from raikeras.typing import Tensor


class Group(NamedTuple):
    """Some cuts of a network.

    Attributes:
        places: The places of the cuts among all, in order.
        shapes: Shape of one example's values at each of them.
        stacked: Whether they are those of a chain.
    """

    places: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    stacked: bool

    @property
    def sizes(self) -> list[int]:
        """Number of an example's target units at each cut."""
        return [math.prod(shape) for shape in self.shapes]

    def shape(self, examples: Any) -> tuple[Any, ...]:
        """Shape of the group's tensor for so many examples."""
        if self.stacked:
            return len(self.places), examples, self.sizes[0]
        return examples, sum(self.sizes)


def groups_of(cuts: Sequence[Any], chains: Sequence[Any]) -> list[Group]:
    """The groups of a network: the cuts that stand alone, if any, then each chain's.

    Args:
        cuts: All cuts, the layers of a chain one after another.
        chains: The chains.
    """
    stacked = {id(layer): number for number, chain in enumerate(chains) for layer in chain.layers}
    by_chain: dict[int, list[int]] = {}
    for place, cut in enumerate(cuts):
        by_chain.setdefault(stacked.get(id(cut.layer), -1), []).append(place)
    return [
        Group(tuple(places), tuple(cuts[place].shape for place in places), number >= 0)
        for number, places in sorted(by_chain.items())
    ]


def by_cut(groups: list[Group], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays of the groups as one array `(n, *shape)` for every cut, in the order of the cuts."""
    found = {}
    for group, array in zip(groups, arrays, strict=True):
        edges = np.cumsum(group.sizes)[:-1]
        parts = array if group.stacked else np.split(array, edges, axis=1)
        for place, shape, part in zip(group.places, group.shapes, parts, strict=True):
            found[place] = part.reshape(len(part), *shape)
    return [found[place] for place in sorted(found)]


def from_cuts(groups: list[Group], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The inverse of `by_cut`."""
    flat = [np.reshape(array, (len(array), -1)) for array in arrays]
    return [
        (np.stack if group.stacked else np.hstack)([flat[place] for place in group.places])
        for group in groups
    ]


def regrouped(tensors: list[Tensor], groups: list[Group], others: list[Group]) -> list[Tensor]:
    """The groups' tensors in the layout of other groups of the same cuts."""
    parts: dict[int, Tensor] = {}
    for group, tensor in zip(groups, tensors, strict=True):
        split = ops.unstack(tensor, axis=0) if group.stacked else _split(tensor, group.sizes)
        parts |= zip(group.places, split, strict=True)
    return [
        (ops.stack if group.stacked else functools.partial(ops.concatenate, axis=-1))(
            [parts[place] for place in group.places]
        )
        for group in others
    ]


def take(tensor: Tensor, ids: Tensor) -> Tensor:
    """The values of some examples in a group's tensor, in their order."""
    return ops.take(tensor, ids, axis=examples_axis(tensor))


def examples_axis(tensor: Tensor) -> int:
    """The axis of the examples in a group's tensor or table."""
    return len(tensor.shape) - 2


def like(groups: list[Group], examples: Any, dtype: str) -> list[Tensor]:
    """Zeros for so many examples."""
    return [ops.zeros(group.shape(examples), dtype) for group in groups]


def cast(tensors: Any, dtype: str) -> list[Tensor]:
    """The tensors of all groups in a dtype."""
    return keras.tree.map_structure(lambda tensor: ops.cast(tensor, dtype), tensors)


class Sums:
    """Sums over the units of each cut, and numbers of cuts spread over their units.

    Args:
        groups: The groups of a network. Numbers of cuts, `(batch, cuts)`, are in their order.
    """

    def __init__(self, groups: list[Group]) -> None:
        self._groups = groups
        self.sizes = np.concatenate([group.sizes for group in groups])
        # Alone, cuts of one size in a row are one array (batch, count, size).
        self._runs = [
            [(size, len(list(run))) for size, run in itertools.groupby(group.sizes)]
            for group in groups
        ]

    def sum(self, values: list[Tensor]) -> Tensor:
        """From tensors of the groups to `(batch, cuts)`."""
        found = []
        for group, runs, tensor in zip(self._groups, self._runs, values, strict=True):
            if group.stacked:
                found.append(ops.transpose(ops.sum(tensor, axis=-1)))
                continue
            parts = _split(tensor, [size * count for size, count in runs])
            for part, (size, count) in zip(parts, runs, strict=True):
                found.append(ops.sum(ops.reshape(part, (-1, count, size)), axis=-1))
        return ops.concatenate(found, axis=-1)

    def spread(self, numbers: Tensor) -> list[Tensor]:
        """From `(batch, cuts)` to tensors that broadcast against those of the groups."""
        spread = []
        shares = _split(numbers, [len(group.places) for group in self._groups])
        for group, runs, share in zip(self._groups, self._runs, shares, strict=True):
            if group.stacked:
                spread.append(ops.transpose(share)[:, :, None])
                continue
            parts = _split(share, [count for _, count in runs])
            flat = [
                ops.reshape(part[:, :, None] * ops.ones((size,), part.dtype), (-1, count * size))
                for part, (size, count) in zip(parts, runs, strict=True)
            ]
            spread.append(ops.concatenate(flat, axis=-1))
        return spread

    def total(self, values: list[Tensor]) -> Tensor:
        """The sum over all units of an example, `(batch, 1)`."""
        found = []
        for group, tensor in zip(self._groups, values, strict=True):
            axis = (0, 2) if group.stacked else 1
            found.append(ops.sum(tensor, axis=axis)[:, None])
        return sum(found[1:], found[0])

    def pattern(self, dtype: str) -> list[Tensor]:
        """A fixed direction without a pattern, of norm 1 in each cut, for one example."""
        rng, sizes = np.random.default_rng(0), dict[int, int]()
        for group in self._groups:
            sizes |= zip(group.places, group.sizes, strict=True)
        # In the order of the cuts, so that it does not depend on what is stacked.
        drawn = [rng.normal(size=(1, sizes[place])) for place in sorted(sizes)]
        unit = [one / np.linalg.norm(one) for one in drawn]
        return [ops.convert_to_tensor(one, dtype) for one in from_cuts(self._groups, unit)]


def _split(tensor: Tensor, lengths: list[int]) -> list[Tensor]:
    """Parts of a tensor along its last axis; TensorFlow cannot split at no place."""
    edges = np.cumsum(lengths)[:-1].tolist()
    return ops.split(tensor, edges, axis=-1) if edges else [tensor]
