"""NaN in training data: refused where it spreads, trained on where plain Keras can."""

import keras
import numpy as np
import pytest
from keras import ops

import raikeras
from raikeras.data.finite import FiniteCheck

COUNT = 8
RNG = np.random.default_rng(0)
X = RNG.normal(size=(COUNT, 4)).astype("float32")
Y = RNG.normal(size=(COUNT, 2)).astype("float32")
HOLES = np.where(RNG.random(Y.shape) < 0.4, np.nan, Y).astype("float32")
HOLED = np.where(RNG.random(X.shape) < 0.3, np.nan, X).astype("float32")


@keras.saving.register_keras_serializable("test_finite")
def masked_mse(y_true, y_pred):
    known = ops.logical_not(ops.isnan(y_true))
    return ops.mean(ops.where(known, ops.square(ops.where(known, y_true, 0.0) - y_pred), 0.0), -1)


class MaskedLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return masked_mse(y_true, y_pred)


@keras.saving.register_keras_serializable("test_finite")
class Filled(keras.layers.Layer):
    def call(self, x):
        return ops.where(ops.isnan(x), ops.zeros_like(x), x)


def make_net(first=None):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, "tanh")(inputs if first is None else first(inputs))
    return keras.Model(inputs, keras.layers.Dense(2)(hidden))


def make_model(loss="mse", first=None, targets=None, **settings):
    model = raikeras.RelaxedModel(make_net(first), targets=targets, **settings)
    model.compile(keras.optimizers.SGD(0.1), loss)
    return model


BACKPROP = {"targets": raikeras.Gradient(), "hidden_loss": raikeras.losses.HalfSquaredError()}
FIT = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}


def assert_as_plain_keras(loss, first, x, y):
    model, plain = make_model(loss, first, **BACKPROP), make_net(first)
    plain.compile(keras.optimizers.SGD(0.1), loss)
    history, expected = model.fit(x, y, **FIT), plain.fit(x, y, **FIT)
    np.testing.assert_allclose(
        history.history["task_loss"], expected.history["loss"], rtol=1e-4, atol=1e-6
    )
    for ours, theirs in zip(model.get_weights(), plain.get_weights(), strict=True):
        assert np.isfinite(theirs).all()
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_loss_that_masks_labels_trains_as_in_plain_keras():
    assert_as_plain_keras(masked_mse, None, X, HOLES)


def test_a_layer_that_fills_in_inputs_trains_as_in_plain_keras():
    assert_as_plain_keras("mse", lambda x: Filled()(x), HOLED, Y)


def test_rows_of_masked_labels_stay_finite():
    """Rows, and with ids in a stream as in arrays."""
    model, streamed = (make_model(MaskedLoss(), targets=raikeras.Learned(COUNT)) for _ in range(2))
    history = model.fit(X, HOLES, **FIT).history
    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(rows).all() for rows in model.targets(range(COUNT)).values())
    ids = np.arange(COUNT, dtype="int32")
    batches = [({"inputs": X[p], "example_id": ids[p]}, HOLES[p]) for p in (ids[:4], ids[4:])]
    call = {"steps_per_epoch": 2, "epochs": 2, "shuffle": False, "verbose": 0}
    streamed.fit((batch for batch in batches * 2), **call)
    for ours, theirs in zip(streamed.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


LOSSES = {
    "mse": "mse",
    "named function": keras.losses.mean_squared_error,
    "object": keras.losses.Huber(),
    "ours": raikeras.losses.HalfSquaredError(),
}
MASKING_LOSSES = {
    "function": masked_mse,
    "object": MaskedLoss(),
    "lambda": lambda y, p: masked_mse(y, p),
    "list": [masked_mse],
}


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("settings", [{}, BACKPROP], ids=["rows", "no rows"])
def test_losses_of_keras_need_finite_labels(kind, settings):
    model = make_model(LOSSES[kind], **settings)
    with pytest.raises(ValueError, match="`y` must be finite"):
        model.fit(X, HOLES, **FIT)


@pytest.mark.parametrize("kind", MASKING_LOSSES)
def test_losses_of_ones_own_may_have_other_labels(kind):
    check = FiniteCheck(make_model(MASKING_LOSSES[kind]))
    check(X, HOLES, np.ones(COUNT))
    assert check.found == [
        f"`y` holds {np.isnan(HOLES).sum()} values that are NaN or infinite, "
        f"the first in example {np.argwhere(np.isnan(HOLES))[0, 0]}"
    ]
    for bad in ((HOLED, Y), (X, Y, np.full(COUNT, np.nan))):
        with pytest.raises(ValueError, match="must be finite"):
            check(*bad)


def two_outputs(loss):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(3)(inputs)
    outputs = [keras.layers.Dense(2, name=name)(hidden) for name in "ab"]
    model = raikeras.RelaxedModel(keras.Model(inputs, outputs))
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize(
    "loss, refused",
    [(["mse", "mae"], True), ("mse", True), (["mse", masked_mse], False), (["mse", None], False)],
)
def test_one_loss_that_may_mask_is_enough(loss, refused):
    """And so is an output without a loss, whose labels nobody reads."""
    check = FiniteCheck(two_outputs(loss))
    if refused:
        with pytest.raises(ValueError, match="`y` must be finite"):
            check(X, [Y, HOLES])
    else:
        check(X, [Y, HOLES])


SPREADING = {
    "nothing": None,
    "norm": lambda x: keras.layers.BatchNormalization()(x),
    "activation": lambda x: keras.layers.Activation("relu")(x),
    "nested": lambda x: keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5)])(x),
}
FILLING = {
    "layer": lambda x: Filled()(x),
    "lambda": lambda x: keras.layers.Lambda(lambda t: t, output_shape=(4,))(x),
    "operation": lambda x: ops.nan_to_num(x),
    "preprocessing": lambda x: keras.layers.Rescaling(1.0)(x),
    "activation": lambda x: keras.layers.Activation(lambda t: ops.nan_to_num(t))(x),
    "nested": lambda x: keras.Sequential([keras.Input((4,)), Filled()])(x),
}


@pytest.mark.parametrize("kind", SPREADING)
def test_layers_of_keras_need_finite_inputs(kind):
    with pytest.raises(ValueError, match="`x` must be finite"):
        FiniteCheck(make_model(first=SPREADING[kind]))(HOLED, Y)


@pytest.mark.parametrize("kind", FILLING)
def test_what_may_fill_in_numbers_may_have_other_inputs(kind):
    check = FiniteCheck(make_model(first=FILLING[kind]))
    check(HOLED, Y)
    assert len(check.found) == 1
    with pytest.raises(ValueError, match="`y` must be finite"):
        check(X, HOLES)


@pytest.mark.parametrize("settings", [{}, BACKPROP], ids=["rows", "no rows"])
def test_the_guard_names_the_data_where_nothing_masked_them(settings):
    model = make_model(lambda y, p: ops.mean(ops.square(y - p), -1), **settings)
    before = model.get_weights()
    with pytest.warns(UserWarning, match="The data were not finite: `y` holds .* in example"):
        model.fit(X, HOLES, **FIT)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
