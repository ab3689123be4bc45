"""Gates: exact EXOR nets, linear programs with exact answers, Rosenblatt's rule."""

from fractions import Fraction
from itertools import product

import keras
import numpy as np
import pytest

from experiments.e12_mlp.gates import (
    CODINGS,
    EXOR_NETS,
    GATES,
    Net,
    decide,
    fulfils,
    integer_solutions,
    perceptron_rule,
    points,
    refutes,
    separable_functions,
    system,
    wrong,
)

PAIRS = [(gate, coding) for gate in GATES for coding in CODINGS]
KERAS = {
    "step": lambda x: keras.ops.cast(x > 0, "float32"),
    "sign": keras.ops.sign,
    "relu": keras.ops.relu,
    "linear": lambda x: x,
}


def brute(outputs, coding, strict=True, bias=True, largest=3):
    """Whether some integers up to `largest` decide the gate, by trying all."""
    low, high = CODINGS[coding]
    inputs = list(product((low, high), repeat=2))
    for w1, w2, b in product(range(-largest, largest + 1), repeat=3):
        if b and not bias:
            continue
        sums = [w1 * p + w2 * q + b for p, q in inputs]
        silent = [s < 0 if strict else s <= 0 for s in sums]
        if all(s > 0 if bit else quiet for s, quiet, bit in zip(sums, silent, outputs)):  # noqa: B905
            return True
    return False


@pytest.mark.parametrize("name", EXOR_NETS)
def test_exact_net_computes_exor_in_integers_and_in_keras(name):
    exact = EXOR_NETS[name]
    assert wrong(exact) == 0
    low, high = CODINGS[exact.coding]
    net = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2, KERAS[exact.hidden_activation]),
            keras.layers.Dense(1, KERAS[exact.output_activation]),
        ]
    )
    hidden, output = np.float32(exact.hidden), np.float32(exact.output)
    net.set_weights([hidden[:, :2].T, hidden[:, 2], output[:2, None], output[2:]])
    x = np.float32([[low, low], [low, high], [high, low], [high, high]])
    found = keras.ops.convert_to_numpy(net(x))[:, 0]
    np.testing.assert_array_equal(found, [low, high, high, low])


def test_a_wrong_net_is_counted():
    exact = EXOR_NETS["hat"]
    assert wrong(exact._replace(output=(1, -1, 0))) == 1  # then 11 gives one
    assert wrong(Net("zero_one", "step", "step", ((0, 0, 0), (0, 0, 0)), (0, 0, 0))) == 2


@pytest.mark.parametrize("gate, coding", PAIRS)
def test_linear_program_agrees_with_trying_all_integers(gate, coding):
    inputs = points(coding)
    for strict, bias in product((True, False), repeat=2):
        rows, bounds = system(GATES[gate], inputs, bias, strict)
        found = decide(rows, bounds)
        assert (found.weights is not None) == brute(GATES[gate], coding, strict, bias)
        assert (found.weights is None) != (found.multipliers is None)


@pytest.mark.parametrize("coding", CODINGS)
def test_proof_that_no_perceptron_solves_exor(coding):
    """The multipliers combine the four inequalities to 0 >= 1, recomputed from the definition."""
    found = decide(*system(GATES["exor"], points(coding)))
    assert found.weights is None and all(isinstance(y, Fraction) for y in found.multipliers)
    low, high = CODINGS[coding]
    rows = [(-1, low, low), (1, low, high), (1, high, low), (-1, high, high)]
    for entry in range(2):
        assert sum(y * s * x[entry] for y, (s, *x) in zip(found.multipliers, rows)) == 0  # noqa: B905
    assert sum(y * s for y, (s, *_) in zip(found.multipliers, rows)) == 0  # noqa: B905
    assert sum(found.multipliers) == 1 and min(found.multipliers) >= 0


def test_checks_refuse_what_is_wrong():
    rows, bounds = system(GATES["and"], points("zero_one"))
    good = decide(rows, bounds).weights
    assert fulfils(rows, bounds, good)
    assert not fulfils(rows, bounds, [-weight for weight in good])
    assert not fulfils(rows, bounds, [weight * Fraction(99, 100) for weight in good])
    rows, bounds = system(GATES["exor"], points("zero_one"))
    quarter = [Fraction(1, 4)] * 4
    assert refutes(rows, bounds, quarter)
    assert not refutes(rows, bounds, [Fraction(1, 4) + Fraction(1, 10**9), *quarter[1:]])
    assert not refutes(rows, bounds, [Fraction(0)] * 4)
    assert not refutes(rows, bounds, [-one for one in quarter])


def test_number_of_separable_functions_is_the_known_one():
    """Threshold functions of n variables: 2, 4, 14, 104, 1882 (OEIS A000609)."""
    assert [separable_functions(count) for count in (1, 2, 3)] == [4, 14, 104]
    assert separable_functions(2, "minus_plus") == 14


@pytest.mark.parametrize("gate, coding", PAIRS)
def test_integer_solutions_are_counted(gate, coding):
    low, high = CODINGS[coding]
    count = 0
    for w1, w2, b in product((-1, 0, 1), repeat=3):
        sums = [w1 * p + w2 * q + b for p in (low, high) for q in (low, high)]
        bits = zip(sums, GATES[gate], strict=True)
        count += all(s > 0 if bit else s < 0 for s, bit in bits)
    assert integer_solutions(GATES[gate], coding, 1) == count


@pytest.mark.parametrize("gate, coding", PAIRS)
def test_perceptron_rule_ends_where_it_can_and_recurs_where_it_cannot(gate, coding):
    walk = perceptron_rule(GATES[gate], coding)
    assert walk.solved == (gate != "exor")
    rows, bounds = system(GATES[gate], points(coding))
    assert fulfils(rows, bounds, walk.weights) == walk.solved
    with pytest.raises(ArithmeticError, match="within 1 passes"):
        perceptron_rule(GATES[gate], coding, limit=1)
