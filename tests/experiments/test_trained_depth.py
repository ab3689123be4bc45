"""Depth that must be trained (e19): tasks, nets, starts, what trains and how rates are chosen."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("the experiment maps JAX programs", allow_module_level=True)

from pathlib import Path

from experiments.driver.profiles import script_settings
from experiments.e19_trained_depth import contest, methods, tasks

BASE = script_settings(Path(contest.__file__).with_name("experiment.py"))
SMALL = {"depth": 3, "units": 4, "steps": 6, "checkpoints": 2, "train_examples": 40}
SMALL |= {"held_out_examples": 20, "test_examples": 30, "batch_size": 20, "target_steps": 8}


def settings(**changes):
    return BASE | SMALL | changes


def run_of(**changes):
    run = {"settings": settings(**changes), "variant": "one", "seed": 0, "number": 1, "total": 1}
    return run | {"started": 0.0, "printed": 1e12}


def test_parts_share_no_digit_and_differ_by_seed():
    parts = tasks.parts(settings(train_examples=1000, held_out_examples=297), 3)
    rows = np.concatenate([parts.x_fit, parts.x_valid, parts.x_test])
    assert rows.shape == (1327, 64)
    whole, labels = tasks.digits(1797, 3)
    np.testing.assert_allclose(whole.mean(axis=0), 0, atol=1e-6)
    assert np.array_equal(rows, whole[:1327])
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert not np.array_equal(rows, tasks.digits(1327, 4)[0])


def test_spirals_are_one_curve_and_its_mirror_image():
    x, labels = tasks.spirals(400, 0, turns=3.0)
    radius = np.linalg.norm(x, axis=1)
    turned = np.arctan2(x[:, 1], x[:, 0]) - 3 * np.pi * radius - np.pi * labels
    np.testing.assert_allclose(np.cos(turned), 1, atol=1e-5)
    assert radius.max() <= 2 and radius.min() >= 2 * 0.05**0.5


def test_a_residual_net_and_its_twin_are_the_same_function():
    net = methods.residual(settings(), 64)
    methods.start(net, settings(), 5)
    kernels = [w for w in net.get_weights() if w.ndim == 2]
    x = np.random.default_rng(0).normal(size=(7, 64)).astype("float32")
    h = x @ kernels[0] / 8.0  # 64 inputs
    for kernel in kernels[1:-1]:
        h = h + np.tanh(h) @ kernel / (4 * 5) ** 0.5  # 4 units, 3 blocks and two ends
    logits = np.tanh(h) @ kernels[-1] / 4
    for one in (net, methods.scanned_residual(net)):
        np.testing.assert_allclose(one.predict(x, verbose=0), logits, rtol=1e-4, atol=1e-4)


def test_plain_nets_start_at_orthogonal_kernels():
    net = methods.plain(settings(), 64)
    methods.start(net, settings(), 2)
    first, *hidden, _ = net.layers
    assert len(hidden) == 3
    for layer in hidden:
        kernel = np.asarray(layer.kernel)
        np.testing.assert_allclose(kernel.T @ kernel, 1.05**2 * np.eye(4), atol=1e-5)
    assert abs(np.asarray(first.kernel).std() * 8 - 1.5) < 0.2
    before = net.get_weights()
    methods.start(net, settings(), 2)
    assert all(np.array_equal(a, b) for a, b in zip(before, net.get_weights(), strict=True))


@pytest.mark.parametrize("method", ["bp", "bp_residual"])
def test_backprop_is_keras_own(method):
    changed = {"method": method, "learning_rates": [3e-3], "batch_size": 0}
    training = contest.Training(run_of(**changed), [7], [{"rate": 3e-3}], [6])
    training.accuracies()
    one, data = settings(**changed), tasks.parts(settings(), 7)
    build = methods.residual if method == "bp_residual" else methods.plain
    net = build(one, 64)
    methods.start(net, one, 7)
    rate = keras.optimizers.schedules.PolynomialDecay(3e-3, 6, 0.02 * 3e-3)
    net.compile(
        keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    net.fit(data.x_fit, data.y_fit, batch_size=40, epochs=6, shuffle=False, verbose=0)
    found = training._sweep.outputs(data.x_test)[0]
    np.testing.assert_allclose(found, net.predict(data.x_test, verbose=0), rtol=2e-3, atol=2e-4)


def test_each_run_keeps_its_own_start_below_the_last_layers():
    x = tasks.parts(settings(), 7).x_test

    def outputs(seeds):
        training = contest.Training(run_of(last=1), seeds, [{"rate": 1e-2}], [6])
        training.accuracies()
        return training._sweep.outputs(x)[0]

    np.testing.assert_allclose(outputs([7, 8]), outputs([7]), rtol=1e-5, atol=1e-5)


def test_the_last_layers_alone_train():
    training = contest.Training(run_of(last=1), [7], [{"rate": 1e-2}], [6])
    start = training._net.get_weights()
    training.accuracies()
    after = training._sweep.net_weights(0)
    moved = [not np.array_equal(a, b) for a, b in zip(start, after, strict=True)]
    assert moved == [False] * 6 + [True] * 4


@pytest.mark.parametrize("method", [*methods.METHODS])
def test_every_method_trains_and_says_what_it_costs(method):
    chosen = {"learning_rates": [3e-3], "hidden_weights": [1.0], "batch_size": 0, "steps": 40}
    training = contest.Training(run_of(method=method, **chosen), [1], [{"rate": 3e-3}], [40])
    before = [np.array(one) for one in training._sweep.weights]
    training.accuracies()
    after = training._sweep.weights
    moved = [np.abs(np.asarray(b) - a).max() for a, b in zip(before, after, strict=True)]
    assert min(moved) > 0 and np.isfinite(moved).all()
    paths = {"bp": 10, "bp_residual": 10, "rows": 18}  # 3 layers, an end on either side
    assert methods.critical_path(settings(method=method)) == paths.get(method, 18 + 5)


def test_held_out_examples_choose_on_seeds_that_no_run_has(monkeypatch):
    asked = []
    real = contest.Training.__init__

    def noted(self, run, seeds, tried, looks):
        asked.append(([*seeds], [*tried]))
        real(self, run, seeds, tried, looks)

    monkeypatch.setattr(contest.Training, "__init__", noted)
    found = contest.results_of(run_of(learning_rates=[1e-9, 1e-2], steps=60), [0, 1])
    (tuned_on, tried), (seeds, chosen) = asked
    assert not set(tuned_on) & set(range(100)) and seeds == [0, 1]
    metrics, curves = found[0]
    best = max(curves["trials"], key=lambda one: one[2])
    assert chosen == [{"rate": best[0], "weight": best[1]}] and len(tried) == 2
    assert metrics["learning_rate"] == best[0] == 1e-2
    assert curves["steps"] == [30, 60] and len(curves["test_accuracy"]) == 2


def test_unknown_tasks_and_methods_are_named():
    with pytest.raises(ValueError, match="Received: task='maze'"):
        tasks.parts(settings(task="maze"), 0)
    with pytest.raises(ValueError, match="Received: method='evolution'"):
        contest.results_of(run_of(method="evolution"), [0])
