"""BiTempered against NumPy with a normalisation by bisection: value, gradient, limits."""

import keras
import numpy as np
import pytest
import transfers
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from scipy import optimize, special

from raikeras.backend import load_backend
from raikeras.losses import BiTempered, MatchingLoss

gradient = load_backend().gradient
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(scale=3, size=(20, 5)).astype("float32")
ONE_HOT = np.eye(5, dtype="float32")[RNG.integers(0, 5, 20)]
SOFT = special.softmax(RNG.normal(size=(20, 5)), axis=-1).astype("float32")
TEMPERATURES = [(1.0, 1.0), (0.8, 1.0), (1.0, 1.01), (0.8, 1.4), (0.2, 2.0), (0.0, 4.0)]


def log_t(x, t):
    return np.log(x) if t == 1 else (x ** (1 - t) - 1) / (1 - t)


def probabilities(logits, t):
    """Heavy-tailed softmax of each row in float64, its normalisation by bracketing."""
    if t == 1:
        return special.softmax(logits.astype("float64"), axis=-1)

    def row(a):
        exp_t = lambda x: (1 + (1 - t) * x) ** (1 / (1 - t))  # noqa: E731
        top, most = a.max(), (len(a) ** (t - 1) - 1) / (t - 1)
        norm = optimize.brentq(
            lambda norm: exp_t(a - norm).sum() - 1, top, top + most + 1e-9, xtol=1e-14, rtol=1e-15
        )
        return exp_t(a - norm)

    return np.array([row(a) for a in logits.astype("float64")])


def expected(y, logits, t1, t2):
    y, p = y.astype("float64"), probabilities(logits, t2)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.where(y > 0, y * (log_t(y, t1) - log_t(p, t1)), 0)
    return (own - (y ** (2 - t1) - p ** (2 - t1)) / (2 - t1)).sum(-1)


def slope(loss, y, logits):
    return np.array(
        gradient(
            lambda x: ops.sum(loss.call(ops.convert_to_tensor(y), x)), ops.convert_to_tensor(logits)
        )
    )


@pytest.mark.parametrize(("t1", "t2"), TEMPERATURES)
@pytest.mark.parametrize("y", [ONE_HOT, SOFT], ids=["one_hot", "soft"])
def test_the_loss_is_that_of_the_paper(t1, t2, y):
    found = BiTempered(t1, t2, reduction="none")(y, LOGITS)
    np.testing.assert_allclose(found, expected(y, LOGITS, t1, t2), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(("t1", "t2"), TEMPERATURES)
def test_the_gradient_is_the_analytic_one(t1, t2):
    p = probabilities(LOGITS, t2)
    own = (p - SOFT) * p ** (t2 - t1)
    escort = p**t2 / (p**t2).sum(-1, keepdims=True)
    analytic = own - escort * own.sum(-1, keepdims=True)
    np.testing.assert_allclose(slope(BiTempered(t1, t2), SOFT, LOGITS), analytic, atol=2e-6)


def test_the_second_derivative_is_the_change_of_the_gradient():
    loss = BiTempered(0.7, 1.5)
    y, direction = SOFT.astype("float64"), ONE_HOT - 0.3
    with transfers.double_precision():

        def first(x):
            return gradient(lambda z: ops.sum(loss.call(ops.convert_to_tensor(y), z)), x)

        def along(x):
            return ops.sum(first(x) * ops.convert_to_tensor(direction, "float64"))

        at = ops.convert_to_tensor(LOGITS, dtype="float64")
        found = gradient(along, at)
        step = 1e-5 * direction
        ends = [first(at + ops.convert_to_tensor(sign * step, "float64")) for sign in (1, -1)]
        change = (np.array(ends[0]) - np.array(ends[1])) / 2e-5
        np.testing.assert_allclose(found, change, atol=1e-8)


def test_temperatures_of_one_are_softmax_cross_entropy():
    found = float(BiTempered(1.0, 1.0)(ONE_HOT, LOGITS))
    keras_own = keras.losses.CategoricalCrossentropy(from_logits=True)
    assert found == pytest.approx(float(keras_own(ONE_HOT, LOGITS)), rel=1e-6)
    matching = float(MatchingLoss("softmax")(SOFT, LOGITS))
    assert float(BiTempered(1.0, 1.0)(SOFT, LOGITS)) == pytest.approx(matching, rel=1e-5)
    smooth = float(BiTempered(1.0, 1.0, label_smoothing=0.1)(ONE_HOT, LOGITS))
    mixed = 0.9 * ONE_HOT + 0.1 / 5
    assert smooth == pytest.approx(float(MatchingLoss("softmax")(mixed, LOGITS)), rel=1e-5)
    nearly = float(BiTempered(0.9999, 1.0001)(ONE_HOT, LOGITS))
    assert nearly == pytest.approx(found, rel=2e-3)


@pytest.mark.parametrize(("t1", "t2"), TEMPERATURES)
def test_value_and_gradient_stay_finite_to_logits_of_1e4(t1, t2):
    sizes = 10.0 ** np.random.default_rng(1).integers(-4, 4, LOGITS.shape)
    logits = (LOGITS * sizes).clip(-1e4, 1e4).astype("float32")
    logits[:5] = [[1e4, -1e4, 0, 1e4, 1e-3]]
    loss = BiTempered(t1, t2, reduction="none")
    values = np.array(loss(ONE_HOT, logits))
    assert np.all(np.isfinite(values)) and np.all(values >= 0)
    if t1 < 1:
        assert np.max(values) <= 1 / (1 - t1)  # what makes it robust
    assert np.all(np.isfinite(slope(loss, ONE_HOT, logits)))


@pytest.mark.parametrize("classes", [2, 1000])
@pytest.mark.parametrize("t2", [1.0001, 1.1, 2.0, 5.0])
def test_the_default_iterations_normalise_to_rounding(t2, classes):
    spread = np.random.default_rng(2).uniform(-9, 9, classes)
    rows = [np.zeros(classes), np.linspace(-1e4, 1e4, classes), spread]
    rows.append(np.r_[0.0, np.full(classes - 1, -10.0)])
    for dtype, tolerance in (("float32", 5e-6), ("float64", 1e-8)):
        with transfers.double_precision():
            logits = ops.convert_to_tensor(np.stack(rows), dtype=dtype)
            total = ops.sum(ops.exp(BiTempered(1.0, t2).log_probabilities(logits)), axis=-1)
            np.testing.assert_allclose(total, np.ones(4), atol=tolerance)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=12, max_size=12),
    st.sampled_from(TEMPERATURES),
)
def test_it_is_never_negative_and_no_shift_of_the_logits_matters(numbers, temperatures):
    logits = np.array(numbers, "float32").reshape(3, 4)
    y = np.eye(4, dtype="float32")[:3]
    loss = BiTempered(*temperatures, reduction="none")
    values = np.array(loss(y, logits))
    assert np.all(values >= 0)
    np.testing.assert_allclose(np.array(loss(y, logits + 64)), values, rtol=1e-3, atol=1e-2)


def test_it_is_zero_where_the_probabilities_are_the_targets():
    for t1, t2 in TEMPERATURES:
        y = probabilities(LOGITS, t2).astype("float32")
        np.testing.assert_allclose(BiTempered(t1, t2, reduction="none")(y, LOGITS), 0, atol=2e-6)
        np.testing.assert_allclose(slope(BiTempered(t1, t2), y, LOGITS), 0 * y, atol=2e-6)


def test_probabilities_instead_of_logits():
    found = BiTempered(0.8, 1.4, from_logits=False, reduction="none")
    p = probabilities(LOGITS, 1.4).astype("float32")
    np.testing.assert_allclose(
        found(ONE_HOT, p), expected(ONE_HOT, LOGITS, 0.8, 1.4), rtol=1e-4, atol=1e-6
    )
    ruled_out = slope(BiTempered(1.0, 1.0, from_logits=False), ONE_HOT, 1 - ONE_HOT)
    assert np.all(np.isfinite(ruled_out))


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="it has no XLA")
def test_compiled_training_takes_it():
    net = keras.Sequential([keras.Input((5,)), keras.layers.Dense(5)])
    net.compile(keras.optimizers.Adam(0.1), BiTempered(t1=0.8, t2=1.4), jit_compile=True)
    history = net.fit(LOGITS, ONE_HOT, batch_size=20, epochs=30, verbose=0).history["loss"]
    assert history[-1] < 0.7 * history[0]


def test_it_survives_its_config():
    loss = BiTempered(0.8, 1.4, label_smoothing=0.1, iterations=7, reduction="sum", name="robust")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert isinstance(again, BiTempered)
    assert again.get_config() == loss.get_config()
    assert float(again(ONE_HOT, LOGITS)) == float(loss(ONE_HOT, LOGITS))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"t1": 1.2}, "`t1` must be a float from 0 to 1. Received: t1=1.2"),
        ({"t1": -0.1}, "`t1` must be"),
        ({"t2": 0.9}, "`t2` must be a float of 1 or more. Received: t2=0.9"),
        ({"t2": "2"}, "`t2` must be"),
        ({"label_smoothing": 2}, "`label_smoothing` must be"),
        ({"iterations": 0}, "`iterations` must be a positive integer"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        BiTempered(**{"t1": 0.8, "t2": 1.2, **arguments})
