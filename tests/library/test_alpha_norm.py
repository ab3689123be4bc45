"""`AlphaNorm`: the norm of all alphas together as one term of the loss, in fit and when saved."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops

import raikeras
from raikeras.backend import load_backend
from raikeras.layers import AlphaNorm, ReLUAlpha

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
ALPHAS = np.float32([0.3, 0.8, 0.5])


def net(alphas=ALPHAS):
    """Dense layers with an alpha each, the last two inside a nested model."""
    keras.utils.set_random_seed(0)
    first, *rest = [ReLUAlpha(keras.initializers.Constant(alpha)) for alpha in alphas]
    inner = keras.Sequential([keras.Input((4,)), *[x for r in rest for x in (layers.Dense(4), r)]])
    return keras.Sequential([keras.Input((3,)), layers.Dense(4), first, inner, layers.Dense(1)])


def penalty(model):
    model(X)
    return float(ops.stop_gradient(sum(model.losses)))


def alphas(model):
    return [x for x in model.trainable_variables if x.name == "alpha"]


def test_term_is_the_weight_times_the_norm_of_all_alphas():
    assert penalty(AlphaNorm(net(), 0.7)) == pytest.approx(0.7 * np.linalg.norm(ALPHAS), rel=1e-6)
    assert penalty(AlphaNorm(net(), 0.0)) == 0.0


def test_gradient_is_that_of_the_norm_and_zero_at_zero():
    model = AlphaNorm(net(), 0.7)
    places = [i for i, v in enumerate(model.trainable_variables) if v.name == "alpha"]
    values = [ops.copy(variable.value) for variable in model.trainable_variables]

    def term(at):
        for number, place in enumerate(places):
            values[place] = at[number]
        losses = model.stateless_call(values, [], X, return_losses=True)[2]
        return ops.sum(ops.stack(losses))

    found = load_backend().gradient(term, ops.convert_to_tensor(ALPHAS))
    step = 1e-3
    moves = step * np.eye(3)
    expected = [
        0.7 * (np.linalg.norm(ALPHAS + move) - np.linalg.norm(ALPHAS - move)) / (2 * step)
        for move in moves
    ]
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-4)
    at_zero = load_backend().gradient(term, ops.convert_to_tensor(np.zeros(3, "float32")))
    np.testing.assert_array_equal(ops.convert_to_numpy(at_zero), np.zeros(3))


def test_in_fit_a_step_moves_alphas_by_task_gradient_and_unit_vector():
    """Against the same step without the penalty: SGD is linear in the gradient."""
    ends = []
    for weight in (0.0, 0.5):
        own = net()
        model = AlphaNorm(own, weight)
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(X, X[:, :1], batch_size=12, verbose=0)
        ends.append(np.array([float(x.numpy()) for x in alphas(own)]))
    moved = -0.1 * 0.5 * ALPHAS / np.linalg.norm(ALPHAS)
    np.testing.assert_allclose(ends[1] - ends[0], moved, atol=1e-6)


def test_the_net_is_trained_in_place_and_is_the_users():
    own = net()
    model = AlphaNorm(own, 0.1)
    model.compile("adam", "mse")
    before = own.get_weights()
    history = model.fit(X, X[:, :1], epochs=2, validation_split=0.5, verbose=0).history
    assert any((a != b).any() for a, b in zip(before, own.get_weights(), strict=True))
    np.testing.assert_array_equal(own.predict(X, verbose=0), model.predict(X, verbose=0))
    assert {"loss", "val_loss"} <= history.keys()
    assert own.losses == []


def test_in_another_model_it_is_a_layer_like_any_other():
    outputs = layers.Dense(2)(AlphaNorm(net(), 0.7)(inputs := keras.Input((3,))))
    model = keras.Model(inputs, outputs)
    assert penalty(model) == pytest.approx(0.7 * np.linalg.norm(ALPHAS), rel=1e-6)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0)
    relaxed = raikeras.RelaxedModel(model, relax=())
    relaxed.compile("sgd", "mse")
    assert np.isfinite(relaxed.fit(X, X[:, :2], verbose=0).history["loss"]).all()


def test_the_net_is_told_whether_it_trains():
    ones = np.ones((50, 3), "float32")
    drop, slope = layers.Dropout(0.5, seed=0), ReLUAlpha()
    ends = [drop, slope, layers.Dense(1, kernel_initializer="ones")]
    model = AlphaNorm(keras.Sequential([keras.Input((3,)), *ends]), 0.1)
    np.testing.assert_allclose(model.predict(ones, verbose=0), 3 * ones[:, :1])
    model.compile("sgd", "mse")
    loss = model.fit(ones, 3 * ones[:, :1], batch_size=50, verbose=0).history["loss"][0]
    assert loss > 0.5  # without dropout it is the penalty alone, 0.1


def test_a_shared_layer_counts_once():
    shared = ReLUAlpha(keras.initializers.Constant(0.6))
    inputs = keras.Input((3,))
    model = keras.Model(inputs, shared(layers.Dense(3)(shared(inputs))))
    assert penalty(AlphaNorm(model, 2.0)) == pytest.approx(1.2)
    assert penalty(AlphaNorm(shared, 2.0)) == pytest.approx(1.2)


LOADING = """
import sys, keras, numpy as np, raikeras
model = keras.saving.load_model(sys.argv[1])
x = np.load(sys.argv[2])
outputs = keras.ops.convert_to_numpy(model(x))[:, 0]
np.save(sys.argv[3], [*outputs, float(keras.ops.stop_gradient(sum(model.losses))), model.weight])
first, *_ = [x for x in model.net.layers if type(x) is raikeras.layers.ReLUAlpha]
assert first.shared_axes == "all"
assert type(first.alpha_constraint) is raikeras.constraints.UnitInterval
model.fit(x, x[:, :1], verbose=0)
"""


def test_saved_model_loads_compiled_in_a_fresh_process(tmp_path):
    model = AlphaNorm(net(), 0.3)
    model.compile("adam", "mse")
    model.fit(X, X[:, :1], verbose=0)
    paths = [tmp_path / name for name in ("model.keras", "x.npy", "found.npy")]
    model.save(paths[0])
    np.save(paths[1], X)
    run = subprocess.run(
        [sys.executable, "-c", LOADING, *paths], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    expected = [*model.predict(X, verbose=0)[:, 0], penalty(model), 0.3]
    np.testing.assert_allclose(np.load(paths[2]), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AlphaNorm(net(), -0.1), "0 or more. Received: weight=-0.1"),
        (lambda: AlphaNorm(net(), float("nan")), "0 or more. Received: weight=nan"),
        (lambda: AlphaNorm(net(), "much"), "0 or more. Received: weight='much'"),
        (lambda: AlphaNorm(net(), True), "0 or more. Received: weight=True"),
        (lambda: AlphaNorm("net", 0.1), "Keras model. Received: str"),
        (lambda: AlphaNorm(layers.Dense(1, name="d"), 0.1), "ReLUAlpha. Received: net=d without"),
    ],
)
def test_bad_input_is_one_clear_error(make, words):
    with pytest.raises((ValueError, TypeError), match=words):
        make()
