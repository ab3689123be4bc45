"""`ReLUAlpha` and its constraint: values, gradients, the interval, shapes, saving, training."""

import keras
import numpy as np
import pytest
import transfers
from keras import layers, ops

import raikeras
from raikeras.backend import load_backend
from raikeras.layers import ReLUAlpha
from tests.library.keras_optimizers import skip_if_broken

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = (X[:, :1] * X[:, 1:2] > 0).astype("float32")
MAPS = RNG.normal(size=(2, 4, 5, 3)).astype("float32")
OPTIMIZERS = (
    "Adadelta Adafactor Adagrad Adam AdamW Adamax Ftrl Lamb Lion Muon Nadam RMSprop SGD "
    "ScheduleFreeAdamW"
).split()


def constant(value):
    return keras.initializers.Constant(value)


def array(x):
    return ops.convert_to_numpy(x)


def net(alpha=0.5, **settings):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(8, name="hidden"),
            ReLUAlpha(constant(alpha), name="slope", **settings),
            layers.Dense(1, name="out"),
        ]
    )


# Values and gradients


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "mixed_bfloat16"])
def test_at_one_it_is_relu_and_at_zero_the_identity_bit_for_bit(dtype):
    compute = dtype.removeprefix("mixed_")
    x = ops.cast(np.concatenate([X.ravel(), np.float32([0, 1e-4, -1e-4, 300, -300])]), compute)
    for alpha, expected in ((1.0, ops.relu(x)), (0.0, x)):
        found = ReLUAlpha(constant(alpha), dtype=dtype)(x)
        assert keras.backend.standardize_dtype(found.dtype) == compute
        np.testing.assert_array_equal(array(found), array(expected))
    np.testing.assert_array_equal(array(ReLUAlpha(dtype=dtype)(x)), array(ops.relu(x)))


@pytest.mark.parametrize("shared_axes", ["all", None, [1, 2]])
def test_gradients_in_input_and_alpha_are_finite_differences(shared_axes):
    with transfers.double_precision():
        layer = ReLUAlpha(constant(0.3), shared_axes=shared_axes, dtype="float64")
        x = MAPS.astype("float64")
        layer.build(x.shape)
        alpha = np.array(RNG.uniform(0.1, 0.9, layer.alpha.shape))
        weight = RNG.normal(size=x.shape)

        def value(alpha, x):
            outputs = layer.stateless_call([ops.convert_to_tensor(alpha)], [], x)[0]
            return ops.sum(ops.convert_to_tensor(weight) * outputs)

        for found, function, at in (
            (lambda a: value(a, x), lambda a: value(a, x), alpha),
            (lambda z: value(alpha, z), lambda z: value(alpha, z), x),
        ):
            by_tape = load_backend().gradient(found, ops.convert_to_tensor(at))
            np.testing.assert_allclose(array(by_tape), slopes(function, at), atol=1e-7)


def slopes(function, at, step=1e-6):
    """Difference quotients of a scalar function, entry by entry, in double precision."""
    found = np.zeros(np.shape(at))
    for index in np.ndindex(found.shape):
        move = np.zeros(np.shape(at))
        move[index] = step
        up, down = (
            float(function(ops.convert_to_tensor(at + s * move, "float64"))) for s in (1, -1)
        )
        found[index] = (up - down) / (2 * step)
    return found


@pytest.mark.parametrize("shared_axes", [None, [1, 2], 1, (2, 3)])
def test_it_is_prelu_of_slope_one_minus_alpha(shared_axes):
    ours, theirs = ReLUAlpha(shared_axes=shared_axes), layers.PReLU(shared_axes=shared_axes)
    ours.build(MAPS.shape), theirs.build(MAPS.shape)
    assert ours.alpha.shape == theirs.alpha.shape
    alpha = RNG.uniform(0, 1, ours.alpha.shape).astype("float32")
    ours.set_weights([alpha]), theirs.set_weights([1 - alpha])
    np.testing.assert_allclose(array(ours(MAPS)), array(theirs(MAPS)), atol=1e-6)


def test_by_default_it_has_one_number_and_takes_any_shape():
    layer = ReLUAlpha()
    outputs = layer(keras.Input((None, None, 3)))
    assert outputs.shape == (None, None, None, 3) and layer.count_params() == 1
    assert layer(X).shape == X.shape and layer(MAPS).shape == MAPS.shape
    assert layer.compute_output_shape((None, 7)) == (None, 7)


def test_in_mixed_precision_the_slope_is_rounded_once():
    layer = ReLUAlpha(constant(0.999), dtype="mixed_bfloat16")
    found = array(ops.cast(layer(ops.convert_to_tensor([-2.0, 4.0])), "float32"))
    assert layer.alpha.dtype == "float32"
    np.testing.assert_allclose(found, [-0.002, 4.0], rtol=0.01)  # 0.999 itself would round to 1
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = net()
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(X, Y, verbose=0).history["loss"]).all()
    assert model.get_layer("slope").alpha.dtype == "float32"


# The interval


def optimizers():
    known = [getattr(keras.optimizers, name, None) for name in OPTIMIZERS]
    made = [kind(learning_rate=3.0) for kind in known if kind is not None]
    averaged = keras.optimizers.SGD(3.0, momentum=0.9, use_ema=True)
    return [*made, averaged, raikeras.optimizers.Rprop(3.0)]


@pytest.mark.parametrize("optimizer", optimizers(), ids=lambda one: type(one).__name__)
def test_no_optimizer_takes_alpha_out_of_the_interval(optimizer):
    skip_if_broken(optimizer)
    rng = np.random.default_rng(0)
    chosen = [ReLUAlpha(constant(0.5), shared_axes=axes) for axes in ("all", [1, 2])]
    for layer in chosen:
        layer.build(MAPS.shape)
    alphas = [layer.alpha for layer in chosen]
    optimizer.build(alphas)
    moved = set()
    for _ in range(8):
        optimizer.apply([ops.convert_to_tensor(10 * rng.normal(size=a.shape)) for a in alphas])
        for alpha in alphas:
            values = array(alpha.value)
            assert (values >= 0).all() and (values <= 1).all()
            moved |= set(np.round(values.ravel(), 4).tolist())
    assert len(moved) > 1


def test_loss_scaling_keeps_alpha_in_the_interval():
    model = net()
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(3.0)), "mse")
    model.fit(X, Y, batch_size=20, verbose=0)
    assert 0 <= float(model.get_layer("slope").alpha.numpy()) <= 1


def test_without_the_constraint_alpha_may_leave_and_start_outside():
    layer = ReLUAlpha(constant(2.0), alpha_constraint=None)
    np.testing.assert_array_equal(array(layer(np.float32([[-1.0, 1.0]]))), [[1.0, 1.0]])
    assert layer.alpha.constraint is None


def test_constraint_projects_and_leaves_what_is_inside():
    found = raikeras.constraints.UnitInterval()(ops.convert_to_tensor([-2.0, 0.0, 0.3, 1.0, 7.0]))
    np.testing.assert_array_equal(array(found), np.float32([0, 0, 0.3, 1, 1]))


def test_regularizer_is_the_documents_penalty():
    layer = ReLUAlpha(constant(0.4), alpha_regularizer=keras.regularizers.L1(0.02))
    layer(X)
    assert float(ops.stop_gradient(sum(layer.losses))) == pytest.approx(0.02 * 0.4)


# Bad input


@pytest.mark.parametrize(
    ("settings", "shape", "words"),
    [
        ({"alpha_initializer": constant(1.5)}, (2, 3), r"\[0, 1\].*None. Received: .* 1.5"),
        ({"alpha_initializer": constant(-0.1)}, (2, 3), r"\[0, 1\].*Received: values from -0.1"),
        ({"alpha_initializer": constant(np.nan)}, (2, 3), r"\[0, 1\].*Received: values from nan"),
        ({"shared_axes": [1, 3]}, (2, 4, 4), r"from 1 to 2 .*Received: shared_axes=\[1, 3\]"),
        ({"shared_axes": 0}, None, "1 or more.*Received: shared_axes=0"),
        ({"shared_axes": -1}, None, "1 or more.*Received: shared_axes=-1"),
        ({"shared_axes": [1.5]}, None, r"1 or more.*Received: shared_axes=\[1.5\]"),
        ({"shared_axes": True}, None, "1 or more.*Received: shared_axes=True"),
        ({"shared_axes": "some"}, None, "'all', None.*Received: shared_axes='some'"),
        ({"shared_axes": None}, (None, None, 3), "known size.*Received: shared_axes=None"),
        ({"alpha_initializer": 3}, None, "initializer"),
        ({"alpha_constraint": "nonsense"}, None, "constraint identifier: nonsense"),
        ({"alpha_regularizer": "nonsense"}, None, "nonsense"),
    ],
)
def test_bad_input_is_one_clear_error(settings, shape, words):
    with pytest.raises((ValueError, TypeError), match=words):
        ReLUAlpha(**settings).build(shape)


# In models


def test_saved_model_loads_with_its_settings_and_trains_on(tmp_path):
    """In a fresh process: tests/test_alpha_norm.py."""
    model = net(shared_axes=1, alpha_regularizer=keras.regularizers.L1(0.01))
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    slope = again.get_layer("slope")
    assert slope.shared_axes == [1] and type(slope.alpha_regularizer) is keras.regularizers.L1
    assert type(slope.alpha_constraint) is raikeras.constraints.UnitInterval
    again.fit(X, Y, verbose=0)


def test_every_choice_survives_the_configuration():
    for settings in ({}, {"shared_axes": (1, 2)}, {"shared_axes": None, "alpha_constraint": None}):
        layer = ReLUAlpha(constant(0.25), **settings)
        again = ReLUAlpha.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()


def test_an_unbuilt_model_is_built_by_fit():
    model = keras.Sequential([layers.Dense(4), ReLUAlpha(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert 0 <= float(model.layers[1].alpha.numpy()) <= 1


STEPS = {
    "joint": {"targets": raikeras.Learned},
    "local": {"targets": raikeras.Gradient, "weight_step": lambda: raikeras.Local(3)},
    "closed_form": {
        "targets": raikeras.Gradient,
        "weight_step": lambda: raikeras.ClosedForm(0.1),
        "hidden_loss": raikeras.losses.HalfSquaredError,
    },
}


@pytest.mark.parametrize("name", STEPS)
def test_a_relaxed_model_trains_alphas_within_the_interval(name):
    settings = {key: make() for key, make in STEPS[name].items()}
    found = {}
    for rate in (0.05, 10.0):
        own = net()
        model = raikeras.RelaxedModel(own, relax=layers.Dense, **settings)
        model.compile(keras.optimizers.SGD(rate), "mse")
        model.fit(X[:20], Y[:20], batch_size=20, epochs=2, verbose=0)
        found[rate] = float(own.get_layer("slope").alpha.numpy())
        settings = {key: make() for key, make in STEPS[name].items()}
    assert 0 < found[0.05] < 1 and found[0.05] != 0.5
    assert found[10.0] in (0.0, 1.0)


def test_with_nothing_relaxed_it_trains_as_in_plain_keras():
    nets = [net(alpha_regularizer=keras.regularizers.L1(0.1)) for _ in range(2)]
    for model in (nets[0], raikeras.RelaxedModel(nets[1], relax=())):
        model.compile(keras.optimizers.Adam(0.05), "mse")
        model.fit(X, Y, batch_size=10, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(nets[1].get_weights(), nets[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
