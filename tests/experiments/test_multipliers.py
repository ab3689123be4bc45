"""Multipliers by depth (e18): starts, rules, what a step takes, trials; runs that equal `fit`."""

from pathlib import Path

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("the experiment maps JAX programs", allow_module_level=True)

import raikeras
from experiments.common import minibatch, vectorised
from experiments.driver import profiles
from experiments.driver.profiles import script_settings
from experiments.e18_multipliers import methods, schema, training

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = script_settings(ROOT / "experiments" / "e18_multipliers" / "experiment.py")
TINY = SETTINGS | {"dataset": "digits", "train_examples": 12, "held_out": 5, "batch_size": 4}
TINY |= {"depth": 4, "units": 5, "epochs": 2, "trial_epochs": 1, "probed": 6, "target_steps": 6}
TINY |= {"learning_rates": [1e-2], "hidden_weights": [2.0]}
ROWS = {"method": "learned", "at": "pre_activation", "target_rate": 0.4}
METHODS = {
    "bp": {"method": "bp", "target_steps": 0},
    "errors": {"method": "errors", "target_rate": 0.01},
    "inferred": {},
    "pc_alm": {"multiplier_rate": 0.925, "multiplier_leak": 0.01},
    "rows": ROWS | {"multiplier_rate": 0.1},
    "refreshed": ROWS | {"multiplier_rate": 0.1, "refresh_every": 1},
    "growing": ROWS | {"multiplier_rate": 0.0, "weight_growth": 100.0},
}


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Twelve training and five test examples; five others are held out."""
    x, y, *_ = minibatch.images(SETTINGS | {"dataset": "digits", "held_out": 0})

    def images(settings):
        test = slice(12, 17) if settings["held_out"] else slice(17, 22)
        return [x[:12], y[:12], x[test], y[test]]

    monkeypatch.setattr(training, "images", images)
    return images(TINY | {"held_out": 0})


def run(settings, seed=3):
    return {"settings": settings, "seed": seed, "number": 1, "total": 1, "variant": "one"} | {
        "started": 0.0,
        "printed": 1e99,
    }


@pytest.mark.parametrize("method", ["bp", "inferred"])
def test_a_start_is_the_same_whatever_the_method(method):
    settings = TINY | {"method": method, "gain": 1.5}
    net = methods.net(settings, 7)
    methods.begin(net, settings, 5)
    kernels, biases = net.get_weights()[::2], net.get_weights()[1::2]
    assert [kernel.shape for kernel in kernels] == [(7, 5), *[(5, 5)] * 3, (5, 10)]
    for kernel in kernels[:-1]:
        np.testing.assert_allclose(kernel.T @ kernel, 2.25 * np.eye(5), atol=1e-5)
    assert not np.concatenate(biases).any()
    again = methods.net(TINY, 7)
    methods.begin(again, TINY | {"gain": 1.5}, 5)
    for one, other in zip(net.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_default_start_is_that_of_keras():
    net = methods.net(TINY, 7)
    methods.begin(net, TINY | {"start": "default"}, 5)
    for kernel in net.get_weights()[::2]:
        bound = np.sqrt(6 / sum(kernel.shape))
        assert 0.7 * bound < np.abs(kernel).max() <= bound
    with pytest.raises(ValueError, match="Received: start='zero'"):
        methods.begin(net, TINY | {"start": "zero"}, 5)
    with pytest.raises(ValueError, match="Received: method='none'"):
        methods.target_rule(TINY | {"method": "none"}, 4)


def test_the_hidden_weight_grows_geometrically_over_the_steps_of_a_run():
    net = methods.net(TINY, 7)
    model = methods.compiled(net, TINY | METHODS["growing"], 12)
    for name, value in {"weight": 2.0, "steps": 10.0}.items():
        model.knobs[name].assign(value)
    weight = methods._weight(model.knobs, 100.0)
    for step, expected in ((0, 2.0), (5, 20.0), (10, 200.0)):
        np.testing.assert_allclose(weight(keras.ops.convert_to_tensor(step)), expected, rtol=1e-5)
    np.testing.assert_allclose(methods._weight(model.knobs, 1.0)(5), 2.0)


def test_products_that_wait_for_each_other():
    """Four hidden layers and the output; six steps of the targets."""
    expected = {
        "bp": 5 + 5,
        "errors": 6 * (5 + 5) + 5 + 2,
        "inferred": 5 + 2 * (6 + 5) + 2,  # five gradients find the curvature
        "pc_alm": 5 + 2 * 6 + 2,
        "rows": 2 * 6 + 2,
        "refreshed": 5 + 2 * 6 + 2,
        "growing": 2 * 6 + 2,
    }
    settings = {name: TINY | own for name, own in METHODS.items()}
    settings["pc_alm"] |= {"target_rate": 0.25}
    assert {name: methods.critical_path(own) for name, own in settings.items()} == expected


@pytest.mark.parametrize("name", METHODS)
def test_a_run_equals_fit_and_holds_what_its_schema_names(name, few):
    settings = TINY | METHODS[name]
    metrics, curves, status = training.Study().measure(run(settings))
    assert status == "ok"
    assert set(metrics) == {*schema.metrics(settings)} and set(curves) == {*schema.curves(settings)}
    net, model, history = fitted(settings, few)
    logits = net.predict(few[2], verbose=0).astype("float64")
    chosen = logits[np.arange(5), few[3]]
    loss = (np.logaddexp.reduce(logits, axis=1) - chosen).mean()
    assert metrics["test_loss"] == pytest.approx(loss, rel=1e-4)
    assert metrics["test_accuracy"] == (logits.argmax(axis=1) == few[3]).mean()
    gap = 0.0 if name == "bp" else history["deployed_loss"] - history["task_loss"]
    assert metrics["deployment_gap"] == pytest.approx(gap, abs=1e-5)
    if name != "bp":
        aligned = raikeras.callbacks.GradientAlignment(*probed(settings, few))
        columns = aligned.columns(prober(model, settings, few).by_layer())
        found = [columns[f"gradient_cosine/{net.layers[at].name}"] for at in (0, 2, 3)]
        ours = [metrics[f"cosine_{place}"] for place in training.PLACES]
        np.testing.assert_allclose(ours, found, atol=2e-3)


def fitted(settings, data):
    """A net trained by `fit` itself, batch by batch, and the last epoch's mean losses."""
    x, y, *_ = data
    net = methods.net(settings, x.shape[1])
    methods.begin(net, settings, 3)
    model = methods.compiled(net, settings, len(x))
    for name, value in {"rate": 1e-2, "weight": 2.0, "steps": 6.0}.items():
        model.knobs[name].assign(value)
    logs = []
    for ids in vectorised.shuffled([3], 2, len(x), 4)[0]:
        inputs = (
            {"inputs": x[ids], "example_id": ids} if settings["method"] == "learned" else x[ids]
        )
        logs.append(model.fit(Once(inputs, y[ids]), epochs=1, verbose=0).history)
    last = {name: float(np.mean([one[name] for one in logs[-3:]])) for name in logs[-1]}
    return net, model, last


class Once(keras.utils.PyDataset):
    """One batch."""

    def __init__(self, x, y):
        super().__init__()
        self._batch = x, y

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self._batch


def probed(settings, data):
    return data[0][:6], data[1][:6]


def prober(model, settings, data):
    x, y = probed(settings, data)
    if settings["method"] == "learned":
        x = {"inputs": x, "example_id": np.arange(6, dtype="int32")}
    return training.Probe(training.of_method_and_backprop, model, x, y)


def test_the_best_pair_is_the_most_accurate_then_that_of_the_lowest_loss():
    class Program:
        found = iter([(0.8, 0.1), (0.9, float("nan")), (0.9, 0.5), (0.7, 0.2)])

        def begin(self, settings, seed, pair, epochs):
            assert (seed, epochs) == (training.TUNED_WITH, 1)

        def epochs(self, count):
            return iter([(0.0, {})] * count)

        def scores(self, x, y):
            assert len(y) == 5
            return next(self.found)

    settings = TINY | {"learning_rates": [1e-3, 1e-2], "hidden_weights": [1.0, 9.0]}
    pair, found = training.chosen(Program(), settings)
    assert pair == (1e-3, 9.0)  # the third one; the second diverged
    assert len(found) == 4


def test_a_program_is_kept_for_other_starts_rates_and_seeds(monkeypatch):
    made = []
    program = training.Program
    monkeypatch.setattr(training, "Program", lambda *args: made.append(args) or program(*args))
    study, settings = training.Study(), TINY | METHODS["pc_alm"]
    first = study.measure(run(settings))[0]
    study.measure(run(settings | {"start": "default", "learning_rates": [3e-3]}))
    again = study.measure(run(settings))[0]
    assert len(made) == 1
    for name in schema.metrics(settings):
        if "seconds" not in name:
            np.testing.assert_equal(again[name], first[name], name)


def test_every_method_has_as_many_trials_from_the_same_starts():
    variants = profiles.read(ROOT)["e18_multipliers"][1]["variants"]
    found: dict[int, dict] = {}
    for name, own in variants.items():
        settings = SETTINGS | own
        method, depth = name.rsplit("_", 1)
        assert depth == str(settings["depth"])
        trials, start = training.pairs(settings), settings["start"]
        assert method.endswith("_default") == (start == "default")
        numbers = found.setdefault(settings["depth"], {})
        numbers[method.removesuffix("_default"), start] = trials
    assert set(found) == {10, 30, 100}
    assert set(found[10]) == set(found[30]) > set(found[100])
    for numbers in found.values():
        assert len({len(set(trials)) for trials in numbers.values()}) == 1
        for (method, start), trials in numbers.items():
            assert trials == numbers[method, "orthogonal"], start
