"""Steps that follow the curvature of the objective: how `Inferred` relaxes targets by default.

The curvature is probed at the forward pass, and watched on the way by gradients made anyhow.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from raikeras.rows.layout import Group, Sums
from raikeras.typing import Tensor

PROBES = 4  # gradients spent on the curvature at the start: chains of 30 layers need four
REACH = 2.0**-5  # of a probe: this share of a value's size, or of 1 where values are smaller
STRETCH = 4.0  # how far the balance between cuts may lengthen or shorten a probe at once
ROUNDING = 1e-3  # of a slope: a step that ends at the minimum, but for rounding, is not taken back
NOT_FINITE = 16.0  # what curvature is multiplied by where a step led to infinity


class State(NamedTuple):
    """Where a relaxation is.

    Attributes:
        targets: A list of a tensor for each group of cuts.
        slope: Likewise, the gradient at the targets.
        move: Likewise, from the targets to where the next gradient is taken.
        length: Tensor `(batch, cuts)`, the norm of a probe's move.
        curvature: Tensor `(batch, cuts)`: rates are one over it, and 0 where it is 0.
    """

    targets: Any
    slope: Any
    move: Any
    length: Any
    curvature: Any


def relax(
    gradient: Callable[[list[Tensor], Tensor], list[Tensor]],
    start: list[Tensor],
    groups: list[Group],
    steps: int,
) -> State:
    """Goes steps down an objective, at rates that each example has of its own for each cut.

    The first gradient is that at the start, `PROBES` more find the curvature there, and each step
    takes one where it leads.

    Args:
        gradient: `gradient(targets, fresh)`, of each example's own part of the objective, a list
            of a tensor for each group of cuts. `fresh`, a boolean scalar, is true at the start
            alone.
        start: Likewise.
        groups: The groups of the network's cuts.
        steps: Integer, number of steps.
    """
    sums = Sums(groups)
    units = ops.convert_to_tensor(sums.sizes, start[0].dtype)
    size = ops.sqrt(sums.sum(_each(ops.square, start)) / units)
    # Between the same move of each unit and the same of each cut, whatever its units.
    length = REACH * ops.maximum(size, 1.0) * units**0.25
    pattern = sums.pattern(start[0].dtype)

    def follow(number: Tensor, state: State) -> State:
        begins = ops.equal(number, 0)
        ahead = _each(ops.add, state.targets, state.move)
        found = gradient(ahead, begins)
        change = _each(ops.subtract, found, state.slope)
        changed = ops.sqrt(sums.sum(_each(ops.square, change)))

        def probed() -> tuple[Any, ...]:
            slope = _where(begins, found, state.slope)
            curvature = ops.where(begins, state.curvature, _over(changed, state.length))
            length = _balanced(curvature, state.length)
            along = _where(begins, pattern, change)
            norm = ops.where(begins, ops.ones_like(changed), changed)
            probe = _each(ops.multiply, along, sums.spread(_over(length, norm)))
            move = _where(number < PROBES, probe, _step(sums, slope, curvature))
            return state.targets, slope, move, length, curvature

        def stepped() -> tuple[Any, ...]:
            # Where the objective rises behind a step it went too far; a convex one that falls
            # there still is lower than before.
            fallen = -sums.total(_each(ops.multiply, state.slope, state.move))
            kept = sums.total(_each(ops.multiply, found, state.move)) <= ROUNDING * fallen
            curvature = state.curvature * _growth(changed, state.curvature, fallen, kept)
            targets = _where(kept, ahead, state.targets)
            slope = _where(kept, found, state.slope)
            return targets, slope, _step(sums, slope, curvature), state.length, curvature

        return State(*ops.cond(number > PROBES, stepped, probed))

    still = _each(ops.zeros_like, start)
    state = State(start, still, still, length, 1 / ops.square(length))
    return State(*ops.fori_loop(0, 1 + PROBES + steps, follow, state))


def _step(sums: Sums, slope: list[Tensor], curvature: Tensor) -> list[Tensor]:
    return _each(lambda one, rate: -one * rate, slope, sums.spread(_over(1.0, curvature)))


def _each(function: Callable[..., Tensor], *tensors: list[Tensor]) -> list[Tensor]:
    """The function of the tensors of each group."""
    return [function(*each) for each in zip(*tensors, strict=True)]


def _where(condition: Tensor, one: list[Tensor], other: list[Tensor]) -> list[Tensor]:
    """The choice in each group; the condition is a scalar or `(batch, 1)`."""
    return _each(lambda *pair: ops.where(condition, *pair), one, other)


def _balanced(curvature: Tensor, length: Tensor) -> Tensor:
    """Lengths for which all cuts have the same `curvature * length**2`, `(batch, cuts)`."""
    share = ops.mean(curvature * ops.square(length), axis=-1, keepdims=True)
    balanced = ops.sqrt(_over(share, curvature))
    return ops.where(balanced > 0, ops.clip(balanced, length / STRETCH, length * STRETCH), length)


def _growth(changed: Tensor, curvature: Tensor, fallen: Tensor, kept: Tensor) -> Tensor:
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


def _over(number: Any, by: Tensor) -> Tensor:
    """The quotient, and 0 where it is not finite or `by` not positive."""
    quotient = number / ops.where(by > 0, by, 1.0)
    return ops.where(ops.logical_and(by > 0, ops.isfinite(quotient)), quotient, 0.0)
