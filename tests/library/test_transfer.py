"""The transfer functions against NumPy and SciPy: f, F, F*, inverse, clip and the divergence."""

import math

import keras
import numpy as np
import pytest
import transfers
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy import special
from transfers import ALL, NAMES, STRICT

from raikeras import transfer
from raikeras.backend import load_backend
from raikeras.transfer.dilogarithm import decaying_dilogarithm

gradient = load_backend().gradient
MODERATE = np.random.default_rng(0).uniform(-6, 6, size=(2, 60, 4))


def normal(low, high):
    """Numbers of float32 but the subnormal ones, which backends may take for 0 where they like."""
    return st.floats(low, high, width=32, allow_subnormal=False)


PAIRS = st.lists(normal(-1e4, 1e4) | normal(-4, 4), min_size=12, max_size=12)
FEW = settings(max_examples=15, derandomize=True, deadline=None)


def doubled(*arrays):
    return [ops.convert_to_tensor(array, dtype="float64") for array in arrays]


def singles(*arrays):
    return [ops.convert_to_tensor(array, dtype="float32") for array in arrays]


def magnitudes(units):
    """All pairs of numbers of every size and sign up to 1e4; `(pairs, units)` each."""
    sizes = np.array([0, 1e-30, 1e-6, 1e-3, 0.3, 1, 2.9, 10, 17, 88, 104, 1e3, 9999.5, 1e4])
    sizes = np.concatenate([-sizes[1:], sizes]).astype("float32")
    a, ahat = (pair.ravel() for pair in np.meshgrid(sizes, sizes))
    if units == 1:
        return a[:, None], ahat[:, None]
    rng = np.random.default_rng(1)
    return rng.choice(sizes, size=(2, 2000, units))


@pytest.mark.parametrize("name", NAMES)
def test_functions_and_integrals_are_those_of_the_table(name):
    with transfers.double_precision():
        (x,) = doubled(MODERATE[0])
        found, total = ALL[name](x), ALL[name].integral(x)
    np.testing.assert_allclose(found, transfers.f(name, MODERATE[0]), atol=1e-14, rtol=1e-14)
    np.testing.assert_allclose(total, transfers.integral(name, MODERATE[0]), atol=1e-13, rtol=1e-13)
    assert total.shape == (60,)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_of_the_integral_is_the_function(name):
    with transfers.double_precision():
        at_zero = np.zeros((1, 4))
        (x,) = doubled(np.concatenate([MODERATE[0], at_zero, 5 * MODERATE[1]]))
        found = gradient(lambda x: ops.sum(ALL[name].integral(x)), x)
        # From 20 on torch takes softplus for linear.
        bound = 3e-9 if keras.backend.backend() == "torch" else 1e-12
        np.testing.assert_allclose(found, ALL[name](x), atol=bound, rtol=0)


def test_the_dilogarithm_series_is_exact_to_rounding():
    x = np.concatenate([np.linspace(0, 3, 1000), np.geomspace(3, 700, 200)])
    with transfers.double_precision():
        found = np.array(decaying_dilogarithm(*doubled(x)))
    z = np.exp(-x)
    np.testing.assert_allclose(found, -special.spence(1 + z), rtol=0, atol=3e-15)
    # SciPy's argument rounds 1 + exp(-x); the power series does not, and ends where x is large.
    far = x > 0.5
    terms = np.arange(1, 100)
    series = [math.fsum(-((-one) ** terms) / terms**2) for one in z[far]]
    np.testing.assert_allclose(found[far], series, rtol=1e-15, atol=1e-300)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("units", [1, 5])
def test_the_divergence_keeps_its_error_bound_in_float32_up_to_1e4(name, units):
    a, ahat = magnitudes(units)
    if name == "softmax" and units == 1:
        pytest.skip("softmax of one unit is constant")
    found = np.array(ALL[name].matching_loss(*singles(a, ahat)), "float64")
    exact = transfers.divergence(name, a, ahat)
    distance = ((ahat.astype("float64") - a) ** 2).sum(-1)
    assert np.all(np.isfinite(found)) and np.all(found >= 0)
    assert np.max(np.abs(found - exact) / (1 + distance)) <= 1e-5


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(PAIRS, PAIRS)
def test_the_divergence_is_never_negative_and_has_its_error_bound(name, a, ahat):
    a, ahat = (np.array(x, "float32").reshape(3, 4) for x in (a, ahat))
    found = np.array(ALL[name].matching_loss(*singles(a, ahat)), "float64")
    exact = transfers.divergence(name, a, ahat)
    distance = ((ahat.astype("float64") - a) ** 2).sum(-1)
    assert np.all(found >= 0) and np.all(np.abs(found - exact) <= 1e-5 * (1 + distance))


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(PAIRS, PAIRS, PAIRS, st.floats(0, 1))
def test_the_divergence_is_convex_in_its_first_argument(name, a, one, other, share):
    with transfers.double_precision():
        a, one, other = (np.array(x).reshape(3, 4) for x in (a, one, other))
        between = share * one + (1 - share) * other
        ends = [
            np.array(ALL[name].matching_loss(*doubled(a, end))) for end in (one, other, between)
        ]
    chord = share * ends[0] + (1 - share) * ends[1]
    assert np.all(ends[2] <= chord + 1e-9 * (1 + chord))


@pytest.mark.parametrize("name", NAMES)
def test_the_divergence_is_zero_exactly_where_the_outputs_are_equal(name):
    one = ALL[name]
    a, ahat = singles(*(MODERATE / 2))
    same = np.array(one.matching_loss(a, a))
    assert np.max(same) <= 1e-6
    apart = np.array(one.matching_loss(a, ahat))
    outputs = np.abs(np.array(one(a)) - np.array(one(ahat))).max(-1)
    assert np.all(apart[outputs > 0.02] > 1e-6) and np.any(outputs > 0.02)
    assert np.all(apart[outputs == 0] <= 1e-6)


def test_where_f_is_flat_or_shifts_do_not_matter_the_divergence_is_zero_apart():
    low, lower = singles([[-3.0, -0.5]], [[-1.0, -7.0]])
    for name in ("step", "relu"):
        assert np.array(ALL[name].matching_loss(low, lower)).item() == 0
    shifted = np.array(ALL["softmax"].matching_loss(low, low + 5)).item()
    assert shifted == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", STRICT)
def test_the_divergence_equals_that_of_the_dual_between_outputs(name):
    one = ALL[name]
    a, ahat = MODERATE / 2
    if not one.has_dual:
        with pytest.raises(NotImplementedError, match="no closed form"):
            one.dual(a)
        return
    with transfers.double_precision():
        a, ahat = doubled(a, ahat)
        y, yhat = one(a), one(ahat)
        linear = ops.sum(one.inverse(yhat) * (y - yhat), axis=-1)
        found = one.dual(y) - one.dual(yhat) - linear
        np.testing.assert_allclose(found, one.divergence(a, ahat), atol=1e-10)


@pytest.mark.parametrize("name", [name for name in NAMES if ALL[name].has_dual])
def test_integral_and_dual_meet_at_the_output(name):
    one = ALL[name]
    with transfers.double_precision():
        (a,) = doubled(MODERATE[0])
        y = one(a)
        found = one.integral(a) + one.dual(y)
        np.testing.assert_allclose(found, ops.sum(a * y, axis=-1), atol=1e-9)


@pytest.mark.parametrize("name", [name for name in STRICT if name != "softmax"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_inverse_undoes_the_function(name, dtype):
    limit, tolerance = (3, 5e-5) if dtype == "float32" else (6, 1e-9)
    x = np.random.default_rng(2).uniform(-limit, limit, size=(40, 4))
    with transfers.double_precision():
        x = ops.convert_to_tensor(x, dtype=dtype)
        found = ALL[name].inverse(ALL[name](x))
        np.testing.assert_allclose(found, x, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
def test_the_inverse_is_finite_on_the_whole_closed_range_and_beyond(name, dtype):
    one = ALL[name]
    if not one.has_inverse:
        with pytest.raises(NotImplementedError, match="no inverse"):
            one.inverse(MODERATE)
        return
    ends = [-1e3, -1.5708, -1.0, -0.0, 0.0, 1e-7, 1.0, 1.5708, 1e3]
    with transfers.double_precision():
        y = ops.convert_to_tensor(np.array(ends)[:, None] * np.ones(2), dtype=dtype)
        found = one.inverse(y)
        assert keras.backend.standardize_dtype(found.dtype) == dtype
        assert np.all(np.isfinite(ops.convert_to_numpy(ops.cast(found, "float64"))))


def test_clip_gives_the_nearest_point_of_the_closed_range():
    y = np.array([[-3.0, 0.25, 3.0]], "float32")
    expected = {
        "step": [0, 0.25, 1],
        "linear": y[0],
        "relu": [0, 0.25, 3],
        "leaky_relu": y[0],
        "sigmoid": [0, 0.25, 1],
        "softmax": [0, 0.25 / 3.25, 3 / 3.25],
        "tanh": [-1, 0.25, 1],
        "arctan": [-np.pi / 2, 0.25, np.pi / 2],
        "softplus": [0, 0.25, 3],
        "elu": [-1, 0.25, 3],
        "low_elu": [-2.5, 0.25, 3],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(ALL[name].clip(*singles(y))[0], values, rtol=1e-6)
    uniform = ALL["softmax"].clip(*singles([[-1.0, 0.0, -2.0, 0.0]]))
    np.testing.assert_allclose(uniform, np.full((1, 4), 0.25))


def test_a_subclass_needs_no_more_than_the_function_and_its_integral():
    class Cubic(transfer.Transfer):
        name, has_inverse = "cubic", True

        def __call__(self, x):
            return x**3

        def integral(self, x):
            return ops.sum(x**4, axis=-1) / 4

        def inverse(self, y):
            return ops.sign(y) * ops.abs(y) ** (1 / 3)

    one = transfer.get(Cubic())
    a, ahat = singles(*(MODERATE / 3))
    expected = np.array((ahat**4 - a**4) / 4 - a**3 * (ahat - a)).sum(-1)
    np.testing.assert_allclose(one.matching_loss(a, ahat), expected, atol=1e-4)
    np.testing.assert_allclose(one.matching_loss_of_output(a**3, ahat), expected, atol=1e-3)
    found = gradient(lambda x: ops.sum(one.matching_loss(a, x)), ahat)
    np.testing.assert_allclose(found, np.array(ahat**3 - a**3), rtol=1e-6)
    with pytest.raises(NotImplementedError, match="must define `integral`"):
        transfer.Transfer().integral(a)
