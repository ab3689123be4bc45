"""Steps that follow the curvature of the objective: how `Inferred` relaxes targets by default.

The curvature is probed at the forward pass, and watched on the way by gradients made anyhow.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from keras import ops

PROBES = 4  # gradients spent on the curvature at the start: chains of 30 layers need four
REACH = 2.0**-5  # of a probe: this share of a value's size, or of 1 where values are smaller
STRETCH = 4.0  # how far the balance between cuts may lengthen or shorten a probe at once
ROUNDING = 1e-3  # of a slope: a step that ends at the minimum, but for rounding, is not taken back
NOT_FINITE = 16.0  # what curvature is multiplied by where a step led to infinity


class State(NamedTuple):
    """Where a relaxation is.

    Attributes:
        targets: Tensor `(batch, size)`.
        slope: Tensor `(batch, size)`, the gradient at the targets.
        move: Tensor `(batch, size)`, from the targets to where the next gradient is taken.
        length: Tensor `(batch, cuts)`, the norm of a probe's move.
        curvature: Tensor `(batch, cuts)`: rates are one over it, and 0 where it is 0.
    """

    targets: Any
    slope: Any
    move: Any
    length: Any
    curvature: Any


def relax(gradient: Callable, start, cuts, steps: int) -> State:
    """Goes steps down an objective, at rates that each example has of its own for each cut.

    The first gradient is that at the start, `PROBES` more find the curvature there, and each step
    takes one where it leads.

    Args:
        gradient: `gradient(targets, fresh)`, of each example's own part of the objective,
            `(batch, size)`. `fresh`, a boolean scalar, is true at the start alone.
        start: Tensor `(batch, size)`.
        cuts: The cuts of the circuit.
        steps: Integer, number of steps.
    """
    by_cut = ByCut([cut.size for cut in cuts])
    units = ops.convert_to_tensor(by_cut.sizes, start.dtype)
    size = ops.sqrt(by_cut.sum(ops.square(start)) / units)
    # Between the same move of each unit and the same of each cut, whatever its units.
    length = REACH * ops.maximum(size, 1.0) * units**0.25
    pattern = ops.convert_to_tensor(by_cut.pattern(), start.dtype)

    def follow(number, state):
        begins = ops.equal(number, 0)
        found = gradient(state.targets + state.move, begins)
        change = found - state.slope
        changed = ops.sqrt(by_cut.sum(ops.square(change)))

        def probed():
            slope = ops.where(begins, found, state.slope)
            curvature = ops.where(begins, state.curvature, _over(changed, state.length))
            length = _balanced(curvature, state.length)
            along = ops.where(begins, pattern, change)
            norm = ops.where(begins, ops.ones_like(changed), changed)
            probe = along * by_cut.spread(_over(length, norm))
            move = ops.where(number < PROBES, probe, _step(by_cut, slope, curvature))
            return state.targets, slope, move, length, curvature

        def stepped():
            # Where the objective rises behind a step it went too far; a convex one that falls
            # there still is lower than before.
            fallen = -_dot(state.slope, state.move)
            kept = _dot(found, state.move) <= ROUNDING * fallen
            curvature = state.curvature * _growth(changed, state.curvature, fallen, kept)
            targets = ops.where(kept, state.targets + state.move, state.targets)
            slope = ops.where(kept, found, state.slope)
            return targets, slope, _step(by_cut, slope, curvature), state.length, curvature

        return State(*ops.cond(number > PROBES, stepped, probed))

    still = ops.zeros_like(start)
    state = State(start, still, still, length, 1 / ops.square(length))
    return State(*ops.fori_loop(0, 1 + PROBES + steps, follow, state))


class ByCut:
    """Sums over the units of each cut, and numbers of cuts spread over their units.

    Args:
        sizes: The units of each cut.
    """

    def __init__(self, sizes: list[int]):
        self.sizes = np.array(sizes)
        # Cuts of one size in a row, such as a chain's, are one array (batch, count, size).
        self._runs = [(size, len(list(run))) for size, run in itertools.groupby(sizes)]

    def sum(self, values):
        """From `(batch, size)` to `(batch, cuts)`."""
        parts = self._parts(values, [size * count for size, count in self._runs])
        return ops.concatenate(
            [
                ops.sum(ops.reshape(part, (-1, count, size)), axis=-1)
                for part, (size, count) in zip(parts, self._runs, strict=True)
            ],
            axis=-1,
        )

    def spread(self, numbers):
        """From `(batch, cuts)` to `(batch, size)`."""
        parts = self._parts(numbers, [count for _, count in self._runs])
        return ops.concatenate(
            [
                ops.reshape(part[:, :, None] * ops.ones((size,), part.dtype), (-1, count * size))
                for part, (size, count) in zip(parts, self._runs, strict=True)
            ],
            axis=-1,
        )

    def pattern(self) -> np.ndarray:
        """A fixed direction without a pattern, of norm 1 in each cut, `(1, size)`."""
        direction = np.random.default_rng(0).normal(size=self.sizes.sum())
        first = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        norms = np.sqrt(np.add.reduceat(np.square(direction), first))
        return (direction / np.repeat(norms, self.sizes))[None]

    def _parts(self, tensor, lengths: list[int]) -> list:
        edges = np.cumsum(lengths)[:-1].tolist()
        return ops.split(tensor, edges, axis=-1) if edges else [tensor]


def _step(by_cut: ByCut, slope, curvature):
    return -slope * by_cut.spread(_over(1.0, curvature))


def _balanced(curvature, length):
    """Lengths for which all cuts have the same `curvature * length**2`, `(batch, cuts)`."""
    share = ops.mean(curvature * ops.square(length), axis=-1, keepdims=True)
    balanced = ops.sqrt(_over(share, curvature))
    return ops.where(balanced > 0, ops.clip(balanced, length / STRETCH, length * STRETCH), length)


def _growth(changed, curvature, fallen, kept):
    """What the curvature is multiplied by after a step, `(batch, cuts)`, 1 or more.

    It grows where the gradient changed by more than the curvature allows, at the cuts where it
    changed most; twice as much where the step is taken back.

    Args:
        changed: Tensor `(batch, cuts)`, the norm of the gradient's change.
        curvature: Tensor `(batch, cuts)`, by which the step was made.
        fallen: Tensor `(batch, 1)`, the step's sum of `curvature * norm**2`.
        kept: Booleans `(batch, 1)`, whether the step is not taken back.
    """
    squares = _over(ops.square(changed), curvature)
    ratio = ops.sqrt(_over(ops.sum(squares, axis=-1, keepdims=True), fallen))
    ratio = ops.where(kept, ratio, 2 * ratio)
    share = ops.sqrt(_over(squares, ops.max(squares, axis=-1, keepdims=True)))
    finite = ops.all(ops.isfinite(changed), axis=-1, keepdims=True)
    return ops.where(finite, ops.maximum(ratio * share, 1.0), NOT_FINITE)


def _dot(one, other):
    return ops.sum(one * other, axis=-1, keepdims=True)


def _over(number, by):
    """The quotient, and 0 where it is not finite or `by` not positive."""
    quotient = number / ops.where(by > 0, by, 1.0)
    return ops.where(ops.logical_and(by > 0, ops.isfinite(quotient)), quotient, 0.0)
