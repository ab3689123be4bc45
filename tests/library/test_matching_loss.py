"""The matching losses: values, gradients by construction, Keras' own losses, saving."""

import keras
import numpy as np
import pytest
import transfers
from keras import ops
from transfers import ALL, NAMES

from raikeras import transfer
from raikeras.backend import load_backend
from raikeras.losses import BiTempered, HalfSquaredError, MatchingLoss

gradient = load_backend().gradient
RNG = np.random.default_rng(0)
A, AHAT, OTHER = RNG.uniform(-5, 5, size=(3, 30, 4)).astype("float32")
LARGE = (RNG.uniform(-1, 1, size=(2, 30, 4)) * 10.0 ** RNG.integers(-3, 5, (2, 30, 4))).astype(
    "float32"
)
PROBABILITIES = np.exp(AHAT) / np.exp(AHAT).sum(-1, keepdims=True)
ONE_HOT = np.eye(4, dtype="float32")[RNG.integers(0, 4, 30)]
# At the ends of the ranges, inside and outside of all of them.
OUTPUTS = RNG.choice(
    np.array([-50, -2.5, -1.6, -1, -0.3, 0, 1e-6, 0.3, 1, 1.2, 40], "float32"), size=(30, 4)
)


def summed(loss, at, *others, of=1):
    """The gradient of the summed loss in one of its two arguments."""
    at, *others = (ops.convert_to_tensor(x) for x in (at, *others))
    pair = (lambda x: (*others, x)) if of else (lambda x: (x, *others))
    return np.array(gradient(lambda x: ops.sum(loss(*pair(x))), at))


def clipped(name, y):
    return np.array(ALL[name].clip(ops.convert_to_tensor(y)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pair", [(A, AHAT), tuple(LARGE)], ids=["moderate", "large"])
def test_the_gradient_in_the_output_is_the_difference_of_outputs_bit_for_bit(name, pair):
    one, (a, ahat) = ALL[name], pair
    found = summed(one.matching_loss, ahat, a)
    expected = np.array(one(ops.convert_to_tensor(ahat))) - np.array(one(ops.convert_to_tensor(a)))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", NAMES)
def test_both_gradients_are_those_of_the_definition_in_float64(name):
    one = ALL[name]
    with transfers.double_precision():
        a, ahat = A.astype("float64"), AHAT.astype("float64")
        for of, at, other in ((1, ahat, a), (0, a, ahat)):
            plain = summed(lambda a, x: transfer.Transfer.divergence(one, a, x), at, other, of=of)
            found = summed(one.matching_loss, at, other, of=of)
            np.testing.assert_allclose(found, plain, atol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_in_the_target_is_the_slope_times_the_difference(name):
    one = ALL[name]
    slope = summed(lambda x, weight: one(x) * weight, A, AHAT - A, of=0)  # f'(a)^T (ahat - a)
    np.testing.assert_allclose(summed(one.matching_loss, A, AHAT, of=0), -slope, atol=1e-5)
    assert np.all(np.isfinite(summed(one.matching_loss, LARGE[0], LARGE[1], of=0)))


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives_are_the_slope_of_the_function(name):
    one = ALL[name]
    a, ahat, weight = (ops.convert_to_tensor(x) for x in (A, AHAT, OTHER))

    def inner(a, x):
        return ops.sum(weight * gradient(lambda z: ops.sum(one.matching_loss(a, z)), x))

    def own(x):
        return ops.sum(weight * one(x))

    found = np.array(gradient(lambda x: inner(a, x), ahat))
    np.testing.assert_allclose(found, np.array(gradient(own, ahat)), atol=1e-6)
    mixed = np.array(gradient(lambda x: inner(x, ahat), a))
    np.testing.assert_allclose(mixed, -np.array(gradient(own, a)), atol=1e-6)


@pytest.mark.parametrize("name", ["sigmoid", "softmax", "elu"])
def test_second_derivatives_of_a_function_of_the_loss_are_right_too(name):
    with transfers.double_precision():
        a, ahat, weight = (ops.convert_to_tensor(x, dtype="float64") for x in (A, AHAT, OTHER))
        found, plain = (
            gradient(
                lambda x, loss=loss: ops.sum(
                    weight * gradient(lambda z: ops.sum(ops.square(loss(a, z))), x)
                ),
                ahat,
            )
            for loss in (
                ALL[name].matching_loss,
                lambda a, z: transfer.Transfer.divergence(ALL[name], a, z),
            )
        )
        np.testing.assert_allclose(found, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_from_the_output_of_the_target_both_losses_agree(name):
    one = ALL[name]
    a = A / 2
    y = np.array(one(ops.convert_to_tensor(a)))
    found = one.matching_loss_of_output(y, ops.convert_to_tensor(AHAT))
    np.testing.assert_allclose(found, transfers.divergence(name, a, AHAT), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        summed(one.matching_loss_of_output, AHAT, y),
        summed(one.matching_loss, AHAT, a),
        atol=1e-6,
    )


@pytest.mark.parametrize("name", NAMES)
def test_outputs_at_the_ends_of_the_range_have_the_limit_and_those_outside_are_clipped(name):
    one = ALL[name]
    for scale in (1, 1e4):
        ahat = (scale * np.random.default_rng(1).uniform(-1, 1, OUTPUTS.shape)).astype("float32")
        found = np.array(one.matching_loss_of_output(OUTPUTS, ops.convert_to_tensor(ahat)))
        y = clipped(name, OUTPUTS).astype("float64")
        if name == "arctan":  # the dual is infinite at the ends: the last number inside counts
            inside = np.nextafter(np.float32(np.pi / 2), np.float32(0))
            y = np.clip(y, -float(inside), float(inside))
        if name == "softmax":  # to the last digit: the rest counts as often as the logits
            y = y / y.sum(-1, keepdims=True)
        expected = transfers.fenchel(name, y, ahat)
        assert np.all(np.isfinite(found)) and np.all(found >= 0)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=3e-5)
        difference = np.array(one(ops.convert_to_tensor(ahat))) - clipped(name, OUTPUTS)
        np.testing.assert_array_equal(
            summed(one.matching_loss_of_output, ahat, OUTPUTS), difference
        )
        assert np.all(np.isfinite(summed(one.matching_loss_of_output, OUTPUTS, ahat, of=0)))


@pytest.mark.parametrize("name", [name for name in NAMES if ALL[name].has_inverse])
def test_the_gradient_in_a_target_output_is_the_inverse_minus_the_own(name):
    one = ALL[name]
    y = np.array(one(ops.convert_to_tensor(A / 2)))
    found = summed(one.matching_loss_of_output, y, AHAT, of=0)
    expected = np.array(one.inverse(ops.convert_to_tensor(y))) - AHAT
    if name == "softmax":  # targets are normalised: the part along the simplex
        expected = expected - (y * expected).sum(-1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    if name not in ("linear", "softmax") and one.low is not None:
        outside = np.full_like(A, one.low - 1)
        np.testing.assert_array_equal(
            summed(one.matching_loss_of_output, outside, AHAT, of=0), 0 * A
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_compiled_loss_and_its_gradients_are_the_same(name):
    one = ALL[name]
    y = np.array(one(ops.convert_to_tensor(A)))

    def everything(a, y, ahat):
        return (
            one.matching_loss(a, ahat),
            one.matching_loss_of_output(y, ahat),
            gradient(lambda x: ops.sum(one.matching_loss(a, x)), ahat),
            gradient(lambda x: ops.sum(one.matching_loss(x, ahat)), a),
            gradient(lambda x: ops.sum(one.matching_loss_of_output(y, x)), ahat),
            gradient(lambda x: ops.sum(one.matching_loss_of_output(x, ahat)), y),
        )

    arguments = [ops.convert_to_tensor(x) for x in (A, y, AHAT)]
    for plain, found in zip(
        everything(*arguments), transfers.compiled(everything)(*arguments), strict=True
    ):
        np.testing.assert_allclose(found, plain, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["softmax", "elu"])
def test_a_compiled_loop_of_gradient_steps_reaches_the_target(name):
    one = ALL[name]

    def descend(y):
        def step(_, ahat):
            return ahat - gradient(lambda x: ops.sum(one.matching_loss_of_output(y, x)), ahat)

        return one(ops.fori_loop(0, 300, step, ops.zeros_like(y)))

    y = one(ops.convert_to_tensor(A / 4))
    np.testing.assert_allclose(transfers.compiled(descend)(y), np.array(y), atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_finite_and_close(name, dtype):
    a, ahat = (ops.cast(ops.convert_to_tensor(x), dtype) for x in (A, AHAT))
    for found in (
        ALL[name].matching_loss(a, ahat),
        ALL[name].matching_loss_of_output(ALL[name](a), ahat),
    ):
        assert keras.backend.standardize_dtype(found.dtype) == dtype
    found = ops.convert_to_numpy(ops.cast(ALL[name].matching_loss(a, ahat), "float32"))
    expected = transfers.divergence(name, *(np.array(ops.cast(x, "float32")) for x in (a, ahat)))
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3)


def test_the_output_losses_are_those_of_keras():
    found = MatchingLoss("softmax")(ONE_HOT, AHAT)
    expected = keras.losses.CategoricalCrossentropy(from_logits=True)(ONE_HOT, AHAT)
    assert float(found) == pytest.approx(float(expected), rel=1e-6)

    own = np.array(ops.softmax(ops.convert_to_tensor(OTHER)))
    found = MatchingLoss("softmax")(PROBABILITIES, OTHER)
    assert float(found) == pytest.approx(
        float(keras.losses.KLDivergence()(PROBABILITIES, own)), rel=1e-5
    )

    found = MatchingLoss("sigmoid")(ONE_HOT, AHAT)
    expected = keras.losses.BinaryCrossentropy(from_logits=True)(ONE_HOT, AHAT)
    assert float(found) == pytest.approx(4 * float(expected), rel=1e-6)  # sum against mean

    for reduction in ("sum", "sum_over_batch_size"):
        found = MatchingLoss("linear", reduction=reduction)(A, AHAT)
        assert float(found) == pytest.approx(float(HalfSquaredError(reduction)(A, AHAT)), rel=1e-6)


def test_sample_weights_and_feature_maps_have_one_loss_a_place():
    maps = AHAT.reshape(5, 6, 4), A.reshape(5, 6, 4)
    loss = MatchingLoss("tanh", targets="pre_activation", reduction="none")
    found = np.array(loss(*maps))
    np.testing.assert_allclose(found, transfers.divergence("tanh", *maps), rtol=1e-4, atol=1e-5)
    weights = np.array([0, 1, 2, 0.5, 0], "float32")
    total = MatchingLoss("tanh", targets="pre_activation", reduction="sum")
    weighted = float(total(AHAT[:5], A[:5], weights))
    rows = transfers.divergence("tanh", AHAT[:5], A[:5])
    assert weighted == pytest.approx(float((weights * rows).sum()), rel=1e-5)


def test_it_trains_a_net_as_the_loss_of_keras_does():
    ends = []
    for loss in (
        MatchingLoss("softmax"),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    ):
        keras.utils.set_random_seed(0)
        net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
        net.compile(keras.optimizers.SGD(0.1), loss)
        net.fit(A, ONE_HOT, batch_size=10, epochs=2, verbose=0)
        ends.append(net.get_weights()[0])
    np.testing.assert_allclose(*ends, atol=1e-6)


@pytest.mark.parametrize("identifier", ["softmax", keras.activations.elu, ALL["leaky_relu"], None])
def test_it_survives_its_config(identifier):
    loss = MatchingLoss(identifier, targets="pre_activation", reduction="sum", name="mismatch")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert isinstance(again, MatchingLoss)
    assert again.get_config() == loss.get_config()
    if identifier is not None:
        assert float(again(A, AHAT)) == float(loss(A, AHAT))


def test_what_is_not_known_is_refused():
    with pytest.raises(ValueError, match="`targets` must be .* Received: targets='output'"):
        MatchingLoss("tanh", targets="output")
    with pytest.raises(ValueError, match="raikeras.transfer.register"):
        MatchingLoss("softsine")
    with pytest.raises(ValueError, match="`transfer` must be given"):
        MatchingLoss()(A, AHAT)


@pytest.mark.parametrize("loss", [MatchingLoss("softmax"), BiTempered(0.8, 1.2)])
def test_class_numbers_are_refused(loss):
    """They would be broadcast against the units."""
    for shape in ((8, 1), (8,)):
        with pytest.raises(ValueError, match="one-hot vectors.*y_true of shape"):
            loss(np.zeros(shape, "float32"), np.zeros((8, 3), "float32"))
