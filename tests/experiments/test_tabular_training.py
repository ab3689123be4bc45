"""How e05 and e06 train: the sweep's backprop is Keras' own, each regulariser is what it says."""

from pathlib import Path

import keras
import numpy as np
import pytest

import raikeras

if keras.backend.backend() != "jax":
    pytest.skip("the sweep maps JAX programs", allow_module_level=True)

from experiments import results
from experiments.common import (
    tabular,
    vectorised,
)
from experiments.common import tabular_training as training
from experiments.driver import profiles
from experiments.e05_generalisation import methods
from experiments.e06_regularisation import regularisers
from experiments.results import schema

SETTINGS = {"hidden_units": [5, 5], "held_out": 0.2, "image_examples": 0, "batch_size": 50}
SETTINGS |= {"steps": 7, "full_batch_rows": 2000, "source_steps": 4, "growing_steps": 4}
SETTINGS |= {"many_rows_steps": 2, "first_weight": 0.1, "last_weight": 10.0}
SHAPE = (3, 1, [4, 4])


def test_backprop_is_keras_own_and_the_best_on_held_out_rows_is_judged():
    """Split 1 of diabetes, two rates, step by step with `train_on_batch` of a plain model."""
    plan = methods.plan("bp")._replace(trials=[{"rate": 1e-3}, {"rate": 3e-2}])
    ((metrics, _),) = training.contest(plan, "diabetes", [1], SETTINGS)
    data = tabular.parts("diabetes", 1, 0.2)
    order = vectorised.shuffled([1], 2, len(data.x_fit), 50)[0, :7]
    scores, errors = [], []
    model = methods.network(10, 1, [5, 5])
    for rate in (1e-3, 3e-2):
        keras.utils.set_random_seed(1)
        net = keras.models.clone_model(model)
        falling = keras.optimizers.schedules.PolynomialDecay(rate, 7, 0.02 * rate)
        net.compile(keras.optimizers.Adam(falling), "mean_squared_error")
        for rows in order:
            net.train_on_batch(data.x_fit[rows], data.y_fit[rows])
        for kept, part in ((scores, "valid"), (errors, "test")):
            made = net.predict(getattr(data, f"x_{part}"), verbose=0)
            square = np.mean(np.square(made - getattr(data, f"y_{part}")))
            kept.append(data.scale * np.sqrt(square))
    assert metrics["diabetes_trial"] == np.argmin(scores)
    assert metrics["diabetes_rmse"] == pytest.approx(errors[np.argmin(scores)], rel=1e-4)


def test_methods_train_in_the_batches_that_they_are_said_to():
    lengths = {
        (name, rows): training._length(methods.plan(name), "concrete", rows, SETTINGS)
        for name in methods.TRIALS
        for rows in (300, 3000)
    }
    assert lengths["bp", 300] == (7, 50) and lengths["inferred", 3000] == (7, 50)
    assert lengths["rai_growing", 300] == (4, 300) and lengths["rai_growing", 3000] == (7, 50)
    assert lengths["rai_source", 300] == (4, 300) and lengths["rai_source", 3000] == (2, 3000)
    assert len({len(trials) for trials in methods.TRIALS.values()}) == 1  # the same budget


def test_source_protocol_is_the_preset_and_its_rate_a_knob():
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    y = x[:, :1] * x[:, 1:2]
    starts, wanted = [], []
    for rate in (0.01, 0.1):
        keras.utils.set_random_seed(0)
        net = methods.network(*SHAPE)
        starts.append(net.get_weights())
        model = raikeras.presets.rai_as_code(net, "mean_squared_error", rate)
        model.fit(x, y, batch_size=6, epochs=3, shuffle=False, verbose=0)
        wanted.append(net.predict(x, verbose=0))
    net = methods.network(*SHAPE)
    model = methods.compiled("rai_source", net, methods.loss_of(1), 3, SETTINGS)
    runs = vectorised.Sweep(model, starts, [{"rate": 0.01}, {"rate": 0.1}], 6)
    runs.train(x, y, vectorised.full_batch(2, 3, 6))
    np.testing.assert_allclose(runs.outputs(x), wanted, rtol=1e-4, atol=1e-5)


def test_a_run_that_stops_early_keeps_its_best_net():
    data = [tabular.Parts(*(np.zeros((2, 1), "float32"),) * 6, 1.0)] * 2
    made = iter([[3.0, 1.0], [1.0, 2.0], [2.0, 3.0]])

    class Runs:
        def train(self, *_, by_run):
            self.now = np.array(next(made))

        def outputs(self, x, by_run):
            return np.ones((2, 2, 1)) * self.now[:, None, None]

    order = np.zeros((2, 3 * training.CHUNK, 2), int)
    valid, test = training.train(Runs(), data, order, early="diabetes")
    assert valid[:, 0, 0].tolist() == test[:, 0, 0].tolist() == [1.0, 1.0]


def test_a_variant_is_trained_once_and_each_split_saved(tmp_path, monkeypatch):
    """Made-up contests: one a data set and variant, of all its splits; a lost one is diverged."""
    asked = []

    def contest(plan, name, splits, settings, run):
        asked.append((run["variant"], name, splits))
        return [
            ({f"{name}_score": [1.0, np.inf][split]}, {f"{name}_curve": []}) for split in splits
        ]

    monkeypatch.setattr(training, "contest", contest)
    monkeypatch.setattr(schema, "check", lambda *_: None)  # a study of the test's own
    plan = training.Plan([{"rate": 0.1}], None)
    runs = [{"variant": name, "seed": seed} for seed in (0, 1) for name in ("a", "b")]
    training.save_variants(
        tmp_path / "made",
        runs,
        {"sets": ["x", "y"]},
        {"key": "k"},
        lambda run, splits: training.on_sets(plan, run["settings"]["sets"], splits, run),
    )
    assert asked == [(variant, name, [0, 1]) for variant in "ab" for name in "xy"]
    first, second, *others = results.load(tmp_path)
    assert len(others) == 2 and first["provenance"]["key"] == "k"
    assert first["metrics"] == {"x_score": 1.0, "y_score": 1.0}
    assert first["curves"] == {"trials": [{"rate": 0.1}], "x_curve": [], "y_curve": []}
    assert [(one["seed"], one["status"]) for one in (first, second)] == [(0, "ok"), (1, "diverged")]


# Regularisers


def one_step(regulariser, strength, knobs=None):
    """Rows before and after a step of SGD at rate 1, the model and the data."""
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    y, ids = x[:, :1], np.arange(6, dtype="int32")
    keras.utils.set_random_seed(0)
    knobs = regularisers._Knobs(strength=strength)
    net = regularisers.network(regulariser, knobs, *SHAPE)
    follow = keras.optimizers.SGD(1.0)
    rule = {
        "noise": lambda: regularisers.NoisyLearned(knobs, follow),
        "decay": lambda: regularisers.DecayingLearned(knobs, 4, follow),
    }.get(regulariser, lambda: raikeras.Learned(optimizer=follow))()
    hidden = [layer.name for layer in net.layers if isinstance(layer, keras.layers.Dense)][:-1]
    model = raikeras.RelaxedModel(net, targets=rule, relax=hidden, deployed_every=0)
    model.knobs = knobs
    model.compile(keras.optimizers.SGD(0.0), "mean_squared_error")
    start = deployed(net, x)
    history = model.fit(x, y, batch_size=6, epochs=1, shuffle=False, verbose=0)
    return start, np.hstack([*model.targets(ids).values()]), net, history.history


def deployed(net, x):
    """Pre-activations of the two hidden layers, side by side."""
    first, second = [layer for layer in net.layers if isinstance(layer, keras.layers.Dense)][:2]
    inner = x @ np.asarray(first.kernel) + np.asarray(first.bias)
    return np.hstack([inner, np.tanh(inner) @ np.asarray(second.kernel) + np.asarray(second.bias)])


def test_decay_adds_the_gradient_of_the_mean_square():
    start, plain, *_ = one_step("decay", 0.0)
    _, decayed, *_ = one_step("decay", 3.0)
    np.testing.assert_allclose(plain - decayed, 2 * 3.0 * start / (6 * 4), rtol=1e-4, atol=1e-6)


def test_noise_is_seen_and_not_stored():
    quiet, loud = (one_step("noise", strength) for strength in (1e-6, 0.5))
    assert loud[3]["hidden_loss"][0] == pytest.approx(2 * 0.25, rel=0.6)  # two layers
    assert quiet[3]["hidden_loss"][0] < 1e-9
    np.testing.assert_allclose(quiet[1], quiet[0], atol=0.5)
    assert np.abs(loud[1] - quiet[1]).mean() < 0.5  # moved by a gradient, not by the noise


@pytest.mark.parametrize(
    "name, keras_own", [("l1", keras.regularizers.L1), ("l2", keras.regularizers.L2)]
)
def test_penalties_are_keras_own(name, keras_own):
    net = regularisers.network(name, regularisers._Knobs(strength=0.02), *SHAPE)
    expected = sum(float(keras_own(0.02)(layer.kernel)) for layer in net.layers)
    assert float(sum(net.losses)) == pytest.approx(expected, rel=1e-5)
    assert not keras.models.clone_model(net).losses


def test_dropout_keeps_the_mean_and_is_off_in_use():
    layer = regularisers.KnobDropout(regularisers._Knobs(strength=0.3))
    ones = np.ones((100, 100), "float32")
    dropped = np.asarray(layer(ones, training=True))
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_allclose(dropped[dropped > 0], 1 / 0.7, rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(layer(ones)), ones)


def test_refresh_and_growing_weight_are_knobs():
    """A refresh after every step leaves rows at the forward pass; both settings in one sweep."""
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    model = regularisers.compiled("rai", "refresh", SHAPE, 4)
    keras.utils.set_random_seed(0)
    start = methods.network(*SHAPE).get_weights()
    runs = vectorised.Sweep(model, [start] * 2, [{"strength": 1.0}, {"strength": 100.0}], 6)
    losses = runs.train(x, x[:, :1], vectorised.full_batch(2, 4, 6))
    wanted = []
    for every in (1, 100):
        net = methods.network(*SHAPE)
        net.set_weights(start)
        rate, own = (
            keras.optimizers.schedules.PolynomialDecay(value, 4, 0.02 * value)
            for value in (regularisers.RATES["rai"], regularisers.TARGET_RATE)
        )
        follow = keras.optimizers.Adam(own, beta_2=0.99)
        rule = raikeras.Learned(optimizer=follow, refresh_every=every)
        names = [layer.name for layer in net.layers][:-1]
        plain = raikeras.RelaxedModel(net, targets=rule, relax=names, deployed_every=0)
        plain.compile(keras.optimizers.Adam(rate, beta_2=0.99), "mean_squared_error")
        history = plain.fit(x, x[:, :1], batch_size=6, epochs=4, shuffle=False, verbose=0)
        wanted.append(history.history["loss"])
    np.testing.assert_allclose(losses.T, wanted, rtol=1e-4)
    assert abs(losses[3, 0] - losses[3, 1]) > 1e-4


@pytest.mark.parametrize("method, name", [("bp", "noise"), ("rai", "l3"), ("adam", "none")])
def test_unknown_names_are_refused(method, name):
    with pytest.raises(ValueError, match="must be bp or rai.*Received"):
        regularisers.plan(method, name)
    with pytest.raises(ValueError, match="must be one of bp, rai_source.*Received: 'l3'"):
        methods.plan("l3")


def test_every_variant_of_the_profiles_can_be_built():
    entries = profiles.read(Path(__file__).resolve().parents[2])
    for variant in entries["e06_regularisation"][1]["variants"].values():
        plan = regularisers.plan(variant["method"], variant["regulariser"])
        assert plan.build(SHAPE, 4, SETTINGS).compiled and len(plan.trials) == 3
    for variant in entries["e05_generalisation"][1]["variants"].values():
        assert methods.plan(**variant).build((3, 2, [4, 4]), 4, SETTINGS).compiled
