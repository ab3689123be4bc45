"""Boolean gates: truth tables, exact EXOR nets, and which of them one perceptron can decide.

Separability is decided by a linear program whose answer is checked in fractions: weights that do
it, or multipliers that prove that none do (Motzkin's transposition theorem).
"""

from fractions import Fraction
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

CODINGS = {"zero_one": (0, 1), "minus_plus": (-1, 1)}
# Outputs for the inputs 00, 01, 10, 11.
GATES = {
    "and": (0, 0, 0, 1),
    "or": (0, 1, 1, 1),
    "nand": (1, 1, 1, 0),
    "nor": (1, 0, 0, 0),
    "exor": (0, 1, 1, 0),
}


class Net(NamedTuple):
    """Two hidden units and one output with integer weights; the last entry of each is its bias."""

    coding: str
    hidden_activation: str
    output_activation: str
    hidden: tuple
    output: tuple


EXOR_NETS = {
    "or_and_nand": Net("zero_one", "step", "step", ((2, 2, -1), (-2, -2, 3)), (2, 2, -3)),
    "or_not_and": Net("zero_one", "step", "step", ((2, 2, -1), (2, 2, -3)), (2, -2, -1)),
    "one_not_other": Net("zero_one", "step", "step", ((2, -2, -1), (-2, 2, -1)), (2, 2, -1)),
    "hat": Net("zero_one", "relu", "linear", ((1, 1, 0), (1, 1, -1)), (1, -2, 0)),
    "distance": Net("zero_one", "relu", "linear", ((1, -1, 0), (-1, 1, 0)), (1, 1, 0)),
    "or_and_nand_signs": Net("minus_plus", "sign", "sign", ((1, 1, 1), (-1, -1, 1)), (1, 1, -1)),
    "distance_signs": Net("minus_plus", "relu", "linear", ((1, -1, 0), (-1, 1, 0)), (1, 1, -1)),
}
ACTIVATIONS = {
    "linear": lambda value: value,
    "relu": lambda value: max(value, 0),
    "step": lambda value: int(value > 0),
    "sign": lambda value: (value > 0) - (value < 0),
}


def points(coding: str, count: int = 2) -> list[tuple[int, ...]]:
    """All inputs of a gate of `count` variables, false before true, the last one fastest."""
    return list(product(CODINGS[coding], repeat=count))


def evaluate(net: Net, point: tuple[int, ...]) -> int:
    """Output of an exact net, in integers."""
    hidden = [ACTIVATIONS[net.hidden_activation](_affine(row, point)) for row in net.hidden]
    return ACTIVATIONS[net.output_activation](_affine(net.output, hidden))


def wrong(net: Net, outputs: tuple[int, ...] = GATES["exor"]) -> int:
    """On how many of the four inputs an exact net does not give the gate's output, exactly."""
    low, high = CODINGS[net.coding]
    wanted = [high if bit else low for bit in outputs]
    return sum(
        evaluate(net, point) != value
        for point, value in zip(points(net.coding), wanted, strict=True)
    )


def _affine(weights, values):
    *slopes, bias = weights
    return sum(a * b for a, b in zip(slopes, values, strict=True)) + bias


# Linear programs


class Decision(NamedTuple):
    """Weights that fulfil every row, or multipliers that prove that there are none."""

    weights: tuple[Fraction, ...] | None
    multipliers: tuple[Fraction, ...] | None


def system(outputs, inputs, bias: bool = True, strict: bool = True) -> tuple[np.ndarray, ...]:
    """The rows and bounds of `rows @ weights >= bounds`: the unit fires where it should.

    Weights may be scaled, so that "above zero" is "at least one".

    Args:
        outputs: The gate's bits.
        inputs: Its inputs, as `points` gives them.
        bias: Whether the unit has one: then it is the last weight.
        strict: Whether silence asks for a sum below zero; if not, zero is silence enough.

    Returns:
        Integer arrays of shapes `(examples, weights)` and `(examples,)`.
    """
    signs = np.where(np.asarray(outputs, bool), 1, -1)
    columns = np.asarray(inputs, int)
    if bias:
        columns = np.column_stack([columns, np.ones(len(columns), int)])
    bounds = np.ones(len(signs), int) if strict else (signs > 0).astype(int)
    return signs[:, None] * columns, bounds


def decide(rows: np.ndarray, bounds: np.ndarray) -> Decision:
    """Solves `rows @ weights >= bounds`, or proves that it has no solution.

    Raises:
        ArithmeticError: Neither answer of the solver is right in fractions.
    """
    primal = linprog(np.zeros(rows.shape[1]), A_ub=-rows, b_ub=-bounds, bounds=(None, None))
    if primal.status == 0 and fulfils(rows, bounds, weights := _fractions(primal.x)):
        return Decision(weights, None)
    equations = np.vstack([rows.T, bounds])
    dual = linprog(np.zeros(len(rows)), A_eq=equations, b_eq=[0] * rows.shape[1] + [1])
    if dual.status == 0 and refutes(rows, bounds, multipliers := _fractions(dual.x)):
        return Decision(None, multipliers)
    raise ArithmeticError(f"No exact answer to rows={rows.tolist()}, bounds={bounds.tolist()}.")


def fulfils(rows, bounds, weights) -> bool:
    """Whether weights meet every bound, in exact arithmetic."""
    sums = [sum(int(a) * w for a, w in zip(row, weights, strict=True)) for row in rows]
    return all(total >= int(bound) for total, bound in zip(sums, bounds, strict=True))


def refutes(rows, bounds, multipliers) -> bool:
    """Whether multipliers >= 0 sum the rows to zero and the bounds to more: 0 >= 1, a proof."""
    total = [sum(int(a) * m for a, m in zip(column, multipliers, strict=True)) for column in rows.T]
    gain = sum(int(bound) * m for bound, m in zip(bounds, multipliers, strict=True))
    return min(multipliers) >= 0 and not any(total) and gain > 0


def _fractions(values) -> tuple[Fraction, ...]:
    """Corners of these programs are fractions with small denominators."""
    return tuple(Fraction(float(value)).limit_denominator(1000) for value in values)


def separable_functions(count: int, coding: str = "zero_one") -> int:
    """How many of the Boolean functions of `count` variables one perceptron can decide."""
    inputs = points(coding, count)
    functions = product((0, 1), repeat=len(inputs))
    return sum(decide(*system(bits, inputs)).weights is not None for bits in functions)


def integer_solutions(outputs, coding: str, largest: int) -> int:
    """How many weights and biases among the integers up to `largest` decide the gate."""
    rows, bounds = system(outputs, points(coding))
    every = np.array(list(product(range(-largest, largest + 1), repeat=3)))
    return int(np.all(every @ rows.T >= bounds, axis=1).sum())


# Rosenblatt's rule


class Walk(NamedTuple):
    """Where the perceptron rule ends: after `passes`, solved, or back in a state it had before."""

    solved: bool
    passes: int
    updates: int
    weights: tuple[int, ...]


def perceptron_rule(outputs, coding: str, limit: int = 1000) -> Walk:
    """Rosenblatt's rule from zero, in integers, one example after another.

    A state that recurs at the end of a pass proves that the rule never ends. On inseparable
    examples the states are finitely many (the perceptron cycling theorem, Block & Levin 1970).

    Raises:
        ArithmeticError: Neither within `limit` passes.
    """
    rows, _ = system(outputs, points(coding))
    weights, seen, updates = np.zeros(rows.shape[1], int), set(), 0
    for number in range(1, limit + 1):
        before = updates
        for row in rows:
            if row @ weights <= 0:
                weights, updates = weights + row, updates + 1
        state = tuple(int(value) for value in weights)
        if updates == before or state in seen:
            return Walk(updates == before, number, updates, state)
        seen.add(state)
    raise ArithmeticError(f"The perceptron rule must end or recur within {limit} passes.")
