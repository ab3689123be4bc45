"""Rprop: equal to an independent NumPy reference and to numbers worked out by hand."""

import keras
import numpy as np
import pytest
from keras import ops
from references import RpropReference

from raikeras.optimizers import Rprop


def run(optimizer, start, gradients):
    """Values of one variable after each step."""
    variable = keras.Variable(np.asarray(start, "float32"))
    path = []
    for gradient in gradients:
        gradient = ops.convert_to_tensor(np.asarray(gradient, "float32"))
        optimizer.apply([gradient], [variable])
        path.append(np.array(ops.convert_to_numpy(variable)))
    return np.array(path)


def test_numbers_worked_out_by_hand():
    """Step sizes .1, .12, .144, then a sign change (.072, no move), .072 again, then .0864."""
    gradients = [[2.0], [0.01], [7.0], [-1.0], [-3.0], [-0.5], [0.0], [-4.0]]
    path = run(Rprop(0.1), [1.0], gradients)[:, 0]
    # After the change the remembered gradient is 0, so the next step neither grows nor shrinks;
    # a gradient of 0 moves nothing and is remembered too.
    expected = [0.9, 0.78, 0.636, 0.636, 0.708, 0.7944, 0.7944, 0.8808]
    np.testing.assert_allclose(path, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "settings, reference",
    [
        ({}, {}),
        ({"decrease": 0.3, "increase": 1.5}, {"decrease": 0.3, "increase": 1.5}),
        ({"min_step_size": 0.05, "max_step_size": 0.12}, {"low": 0.05, "high": 0.12}),
    ],
)
def test_rprop_is_the_numpy_reference(settings, reference):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(4, 3))
    gradients = rng.normal(size=(25, 4, 3)) * 10.0 ** rng.integers(-6, 4, size=(25, 4, 3))
    gradients[rng.uniform(size=gradients.shape) < 0.1] = 0
    oracle = RpropReference(start, 0.1, **reference)
    expected = [oracle.step(gradient).copy() for gradient in gradients]
    np.testing.assert_allclose(run(Rprop(0.1, **settings), start, gradients), expected, atol=2e-5)


def test_step_sizes_stay_within_their_bounds():
    """A lasting sign reaches 50, a sign that flips in every other step 1e-6, and no further."""
    rising = run(Rprop(0.1), [0.0], [[-1.0]] * 60)[:, 0]
    np.testing.assert_allclose(np.diff(rising)[-5:], 50.0, rtol=1e-5)
    signs = [[(-1.0) ** (step // 2)] for step in range(80)]
    flipping = run(Rprop(0.1), [0.0], signs)[:, 0]
    moves = np.abs(np.diff(flipping))
    assert moves[-4:].max() <= 1.3e-6
    assert moves.max() > 0.01


def test_a_small_initial_step_size_is_kept_above_the_smallest():
    path = run(Rprop(1e-9, min_step_size=1e-3), [0.0], [[1.0]])
    np.testing.assert_allclose(path, [[-1e-3]], rtol=1e-6)


def test_the_size_of_gradients_does_not_matter():
    gradients = np.random.default_rng(0).normal(size=(10, 5))
    plain = run(Rprop(0.1), np.zeros(5), gradients)
    np.testing.assert_array_equal(run(Rprop(0.1), np.zeros(5), 1e4 * gradients), plain)


def test_it_minimises_a_badly_scaled_quadratic():
    scale = np.array([1e-4, 1.0, 1e4], "float32")
    variable, optimizer = keras.Variable(np.full(3, 2.0, "float32")), Rprop(0.1)
    for _ in range(150):
        optimizer.apply([ops.convert_to_tensor(scale) * variable.value], [variable])
    assert np.abs(ops.convert_to_numpy(variable)).max() < 1e-3


def test_it_trains_a_keras_model():
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    y = (x @ [[1.0], [-2.0], [0.5]]).astype("float32") + 3
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    net.compile(Rprop(0.1), "mean_squared_error")
    net.fit(x, y, batch_size=40, epochs=80, verbose=0)
    np.testing.assert_allclose(net.get_weights()[0][:, 0], [1.0, -2.0, 0.5], atol=1e-2)
    np.testing.assert_allclose(net.get_weights()[1], [3.0], atol=1e-2)


def test_config_holds_exactly_the_settings_and_survives_serialisation():
    settings = {
        "learning_rate": 0.2,
        "decrease": 0.4,
        "increase": 1.3,
        "min_step_size": 1e-5,
        "max_step_size": 3.0,
    }
    optimizer = Rprop(**settings)
    config = keras.saving.serialize_keras_object(optimizer)
    again = keras.saving.deserialize_keras_object(config)
    assert isinstance(again, Rprop)
    found = {key: again.get_config()[key] for key in settings}
    assert found == pytest.approx(settings)


def test_saved_slots_continue_where_they_were(tmp_path):
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
    y = x[:, :1] * x[:, 1:2]
    net = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )
    net.compile(Rprop(0.01), "mean_squared_error")
    fit = {"batch_size": 20, "epochs": 5, "verbose": 0, "shuffle": False}
    net.fit(x, y, **fit)
    net.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    net.fit(x, y, **fit)
    again.fit(x, y, **fit)
    for ours, theirs in zip(net.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"learning_rate": -1}, "learning_rate=-1"),
        ({"learning_rate": keras.optimizers.schedules.CosineDecay(0.1, 5)}, "schedule"),
        ({"decrease": 1.0}, "decrease=1.0"),
        ({"decrease": 0.0}, "decrease=0.0"),
        ({"increase": 1.0}, "increase=1.0"),
        ({"min_step_size": 0.0}, "min_step_size=0.0"),
        ({"min_step_size": 2.0, "max_step_size": 1.0}, "max_step_size=1.0"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        Rprop(**settings)
