"""The named methods make the choices that they document."""

import itertools

import keras
import numpy as np
import pytest

import raikeras
from raikeras import presets

RNG = np.random.default_rng(0)


def moons(count, seed):
    """Two interleaved half circles with noise."""
    rng = np.random.default_rng(seed)
    angle, lower = rng.uniform(0, np.pi, count), np.arange(count) % 2
    x = np.where(lower, 1 - np.cos(angle), np.cos(angle))
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    points = np.stack([x, y], axis=1) + 0.1 * rng.normal(size=(count, 2))
    return points.astype("float32"), lower[:, None].astype("float32")


X, Y = moons(40, 1)
FIT = {"batch_size": len(X), "shuffle": False, "verbose": 0}


def make_net(depth=2, width=6):
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(width, "sigmoid", name=f"hidden_{i}") for i in range(depth)]
    return keras.Sequential(
        [keras.Input((2,)), *hidden, keras.layers.Dense(1, "sigmoid", name="out")]
    )


def cross_entropy(probability, y=Y):
    p = np.asarray(probability, "float64")
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_rai_as_code_is_the_defaults_with_rprop():
    model = presets.rai_as_code(make_net(), metrics=["accuracy"])
    history = model.fit(X, Y, epochs=5, **FIT).history
    reference = raikeras.RelaxedModel(make_net())
    reference.compile(raikeras.optimizers.Rprop(0.1), "binary_crossentropy", metrics=["accuracy"])
    expected = reference.fit(X, Y, epochs=5, **FIT).history
    assert history.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(history[key], values, rtol=1e-6)
    assert set(model.targets([0])) == {"hidden_0", "hidden_1", "out"}
    assert np.ptp(history["loss"]) > 0


def test_rai_as_document_sums_over_examples_and_leaves_the_output_free():
    """Both losses of the second step against NumPy, from the rows after the first."""
    net = make_net()
    model = presets.rai_as_document(net, learning_rate=0.05)
    start = cross_entropy(net.predict(X, verbose=0)).sum()
    first = model.fit(X, Y, **FIT).history
    assert first["hidden_loss"] == [0.0]
    assert first["loss"] == first["task_loss"] == pytest.approx([start], rel=1e-5)

    rows = model.targets(np.arange(len(X)))
    assert set(rows) == {"hidden_0", "hidden_1"}
    kernels, biases = net.get_weights()[::2], net.get_weights()[1::2]
    inputs = [X, rows["hidden_0"], rows["hidden_1"]]  # post-activation: fed on as they are
    own = [sigmoid(a @ k + b) for a, k, b in zip(inputs, kernels, biases, strict=True)]
    hidden = sum(np.mean((rows[f"hidden_{i}"] - own[i]) ** 2, axis=1).sum() for i in range(2))
    second = model.fit(X, Y, **FIT).history
    assert hidden > 1e-3
    assert second["hidden_loss"] == pytest.approx([hidden], rel=1e-4)
    assert second["task_loss"] == pytest.approx([cross_entropy(own[2]).sum()], rel=1e-4)


def test_the_output_of_a_nested_model_is_the_output():
    hidden, output = (
        keras.layers.Dense(3, name="hidden"),
        keras.layers.Dense(1, "sigmoid", name="output"),
    )
    inner = keras.Sequential([keras.Input((3,)), hidden, output])
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="first"), inner])
    model = presets.rai_as_document(net)
    assert [layer.name for layer in model.relaxed.network.layers] == ["first", "hidden"]


def test_rprop_rates_of_the_presets():
    for preset in (presets.rai_as_code, presets.rai_as_document):
        model = preset(make_net(), learning_rate=0.03)
        assert isinstance(model.optimizer, raikeras.optimizers.Rprop)
        before = model.net.get_weights()
        model.fit(X, Y, **FIT)
        moved = np.abs(np.array(model.net.get_weights()[0]) - before[0])
        # Only the last relaxed layers have a gradient at the forward pass.
        assert set(np.round(moved.ravel(), 5)) <= {0.0, np.float32(0.03)}


def test_rai_growing_weighs_and_steps_as_documented():
    net = make_net()
    steps, first, last = 10, 2.0, 50.0
    model = presets.rai_growing(
        net,
        steps,
        weight_range=(first, last),
        learning_rate=0.01,
        target_learning_rate=0.1,
        seed=3,
    )
    expected = raikeras.initializers.isometric_start(make_net(), seed=3).get_weights()
    for ours, theirs in zip(net.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert model.optimizer.beta_2 == pytest.approx(0.99)
    for step in range(4):
        rows = None if model.store is None else model.targets(np.arange(len(X)))
        weights = net.get_weights()
        history = model.fit(X, Y, **FIT).history
        if rows is None:
            assert history["hidden_loss"] == [0.0]
            continue
        assert set(rows) == {"hidden_0", "hidden_1"}
        own = [X @ weights[0] + weights[1], sigmoid(rows["hidden_0"]) @ weights[2] + weights[3]]
        mismatch = sum(np.mean((rows[f"hidden_{i}"] - own[i]) ** 2) for i in range(2))
        growth = first * (last / first) ** (step / steps)
        assert history["hidden_loss"] == pytest.approx([growth * mismatch], rel=1e-3)
    # Rates fall linearly to 2 %.
    for optimizer, rate in ((model.optimizer, 0.01), (model.target_rule.optimizer, 0.1)):
        schedule = optimizer.get_config()["learning_rate"]
        schedule = keras.saving.deserialize_keras_object(schedule)
        found = [float(schedule(step)) for step in (0, 5, 10, 20)]
        assert found == pytest.approx([rate, 0.51 * rate, 0.02 * rate, 0.02 * rate], rel=1e-5)


def test_rai_growing_takes_ready_weights_and_schedules():
    net = make_net()
    before = net.get_weights()
    rate = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.01, 0.0])
    own = {"start": None, "hidden_weight": 7.0, "relax": ["hidden_0"]}
    model = presets.rai_growing(net, 10, learning_rate=rate, target_learning_rate=rate, **own)
    for ours, theirs in zip(net.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [layer.name for layer in model.relaxed.network.layers] == ["hidden_0"]
    assert model.relaxed.given_weight == 7.0
    states = []
    for _ in range(5):
        model.fit(X, Y, **FIT)
        states.append([*net.get_weights(), *model.targets(np.arange(len(X))).values()])
    moved = [
        any((one != other).any() for one, other in zip(*pair, strict=True))
        for pair in itertools.pairwise(states)
    ]
    assert moved == [True, True, False, False]
    with pytest.raises(ValueError, match="`start`.*Received: start='glorot'"):
        presets.rai_growing(make_net(), 10, start="glorot")


def test_rai_growing_takes_the_gain_of_its_start():
    net, expected = make_net(), make_net()
    presets.rai_growing(net, 10, gain=1.1, seed=3)
    raikeras.initializers.isometric_start(expected, gain=1.1, seed=3)
    for found, wanted in zip(net.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_rai_growing_trains_a_deep_sigmoid_net():
    """The deployed network, on moons it has not seen; the relaxed path says nothing about it."""
    x, y = moons(100, 2)
    net, rates = make_net(depth=8, width=24), {"learning_rate": 0.01, "target_learning_rate": 0.1}
    model = presets.rai_growing(net, steps=200, seed=1, deployed_every=0, **rates)
    model.fit(x, y, batch_size=len(x), epochs=200, shuffle=False, verbose=0)
    x_new, y_new = moons(500, 3)
    accuracy = np.mean((net.predict(x_new, verbose=0) > 0.5) == y_new)
    assert accuracy > 0.93  # a straight boundary gives 0.88


def test_further_settings_reach_the_model():
    model = presets.rai_as_code(make_net(), hidden_weight=0.25, deployed_every=0)
    assert model.get_config()["deployed_every"] == 0
    assert model.get_config()["hidden_weight"] == 0.25


def test_a_preset_survives_saving(tmp_path):
    model = presets.rai_growing(make_net(), 10, seed=0)
    model.fit(X, Y, epochs=2, **FIT)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    configs = [{**m.get_config(), "net": None} for m in (again, model)]
    assert configs[0] == configs[1]
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-6)
    again.fit(X, Y, **FIT)


def test_rai_with_multipliers_deploys_what_it_trains():
    x, y = moons(80, 2)

    def trained(**settings):
        model = presets.rai_multipliers(
            make_net(), 400, learning_rate=3e-2, metrics=["accuracy"], **settings
        )
        history = model.fit(x, y, batch_size=len(x), epochs=400, verbose=0).history
        gap = history["deployed_loss"][-1] - history["task_loss"][-1]
        return model, history["accuracy"][-1], abs(gap)

    model, accuracy, gap = trained()
    assert accuracy >= 0.85
    assert set(model.targets([0])) == {"hidden_0", "hidden_1"}
    assert gap < 0.3 * trained(multiplier_rate=0.0)[2]


@pytest.mark.parametrize("preset", [presets.pc_alm, presets.epc])
def test_predictive_coding_with_multipliers_and_by_errors_train_any_batches(preset):
    x, y = moons(80, 2)
    model = preset(make_net(), "binary_crossentropy", learning_rate=3e-2, metrics=["accuracy"])
    history = model.fit(x, y, batch_size=20, epochs=80, verbose=0).history
    assert history["accuracy"][-1] >= 0.85
    assert model.store is None
    kept = type(model).from_config(model.get_config()).target_rule.get_config()
    assert kept == model.target_rule.get_config()


def residual_net(depth=6, units=12):
    start = keras.Input((2,))
    value = keras.layers.Rescaling(1.0, name="z_0")(keras.layers.Dense(units)(start))
    for k in range(depth):
        branch = keras.layers.Dense(units)(keras.layers.Activation("tanh")(value))
        value = keras.layers.Add(name=f"z_{k + 1}")([value, keras.layers.Rescaling(1.0)(branch)])
    output = keras.layers.Dense(1)(keras.layers.Activation("tanh")(value))
    return keras.Model(start, keras.layers.Rescaling(1.0)(output))


def test_mu_pc_makes_the_choices_that_it_documents():
    net = residual_net()
    model = presets.mu_pc(net, seed=3)
    expected = raikeras.initializers.depth_mup(residual_net(), seed=3)
    for ours, theirs in zip(net.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert [cut.name for cut in model.relaxed.network.cuts] == [f"z_{k}" for k in range(7)]
    assert [len(chain) for chain in model.relaxed.network.chains] == [6]
    assert isinstance(model.optimizer, keras.optimizers.Adam)
    assert (model.target_rule.steps, model.target_rule.step_size) == (7, 0.2)
    # At the forward pass the energy is the task's: half the squared error, summed over outputs.
    wanted = 0.5 * np.mean(np.sum((net.predict(X, verbose=0) - Y) ** 2, axis=1))
    model = presets.mu_pc(net, steps=0, start=None)
    history = model.fit(X, Y, **FIT).history
    assert history["hidden_loss"] == [0.0]
    assert history["loss"] == pytest.approx([wanted], rel=1e-5)


def test_mu_pc_keeps_ready_weights_and_refuses_other_nets():
    net = raikeras.initializers.depth_mup(residual_net(), seed=1)
    before = net.get_weights()
    presets.mu_pc(net, start=None)
    for ours, theirs in zip(net.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="`start`.*Received: start='glorot'"):
        presets.mu_pc(net, start="glorot")
    with pytest.raises(ValueError, match="residual blocks of one number of units.*Received"):
        presets.mu_pc(make_net())


def test_mu_pc_trains_a_residual_net():
    x, y = moons(100, 2)
    net = residual_net(depth=16, units=24)
    model = presets.mu_pc(net, seed=0, deployed_every=0)
    model.fit(x, y, batch_size=20, epochs=40, verbose=0)
    x_new, y_new = moons(500, 3)
    accuracy = np.mean((net.predict(x_new, verbose=0) > 0.5) == y_new)
    assert accuracy > 0.93  # a straight boundary gives 0.88
