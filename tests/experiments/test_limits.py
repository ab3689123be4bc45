"""The helpers of the experiment on limits: choices, deployed pass, measures of a landscape."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("the sweep needs JAX", allow_module_level=True)
from experiments.e08_limits import limits

SETTINGS = {
    "activation": "relu",
    "depth": 6,
    "units": 8,
    "start": "default",
    "relaxed": "all",
    "optimizer": "rprop",
    "learning_rate": 0.1,
    "target_rate": 2.9e-2,
    "hidden_weight": 1.0,
    "weight_range": [3.9, 1.6e4],
    "decay": 0.0,
    "iterations": 4,
    "measured": [0, 2, 4],
    "together": True,
    "train_examples": 20,
    "train_seed": 42,
    "test_examples": 30,
    "test_seed": 4242,
    "noise": 0.1,
    "extent": 3.0,
    "resolution": 8,
    "landscape": True,
}


@pytest.mark.parametrize(
    "choice, places",
    [
        ("all", [0, 1, 2, 3, 4, 5, 6]),
        ("none", []),
        ("first", [0]),
        ("last", [6]),
        ("every_2", [1, 3, 5]),
        ("every_5", [4]),
    ],
)
def test_choices_of_relaxed_layers(choice, places):
    assert limits.relaxed_layers(choice, 7) == places


def test_random_halves_are_halves_and_fixed():
    halves = [limits.relaxed_layers(f"random_{k}", 10) for k in (0, 1, 0)]
    assert halves[0] == halves[2] != halves[1]
    assert all(len(set(half)) == 5 for half in halves)


def test_an_unknown_choice_is_refused():
    with pytest.raises(ValueError, match="Received: relaxed='some'"):
        limits.relaxed_layers("some", 3)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_deployed_pass_is_that_of_keras(activation):
    net = limits.started_net(SETTINGS | {"activation": activation, "start": "he"}, 0)
    x = np.random.default_rng(0).normal(size=(9, 2)).astype("float32")
    logits, sizes = limits.deployed(net.get_weights(), x, activation, "float32")
    np.testing.assert_allclose(logits, net.predict(x, verbose=0)[:, 0], rtol=1e-4, atol=1e-5)
    assert sizes.shape == (7,)
    assert sizes[-1] == pytest.approx(np.abs(logits).max())


def test_overflow_is_seen_in_single_precision_alone():
    """Layers that enlarge tenfold: 1e39 after 39 of them is beyond float32, not float64."""
    kernels = [np.full((1, 1), 10.0)] * 40
    weights = [part for kernel in kernels for part in (kernel, np.zeros(1))]
    single, _ = limits.deployed(weights, np.ones((1, 1)), "relu", "float32")
    double, sizes = limits.deployed(weights, np.ones((1, 1)), "relu", "float64")
    assert np.isinf(single[0])
    assert double[0] == pytest.approx(1e40)
    assert np.flatnonzero(sizes > limits.LARGEST)[0] + 1 == 39


def test_measures_of_landscapes_by_hand():
    board = np.indices((4, 4)).sum(axis=0) % 2 == 0
    assert limits.edge_share(board) == 1.0
    assert limits.regions(board) == 16
    halves = np.arange(4)[None, :] < np.full((4, 1), 2)
    assert limits.edge_share(halves) == pytest.approx(4 / 24)
    assert limits.regions(halves) == 2


def test_all_seeds_of_a_variant_are_measured():
    group = [
        {"variant": "as_code", "seed": seed, "settings": SETTINGS, "number": 1, "total": 2}
        | {"started": 0.0, "printed": 1e12}
        for seed in (3, 4)
    ]
    found = limits.train(group)
    assert sorted(found) == [3, 4]
    metrics, curves, grid = found[3]
    assert curves["iteration"] == [0.0, 2.0, 4.0]
    assert curves["relaxed_loss"][1] == curves["relaxed_loss"][1]  # a number
    assert len(grid["permille"]) == len(grid["classes"]) == 64
    assert len(grid["log_size_grid"]) == 7
    assert metrics["overfit"] == pytest.approx(
        metrics["train_accuracy_float64"] - metrics["test_accuracy_float64"]
    )
    assert found[4][0]["relaxed_loss"] != metrics["relaxed_loss"]


@pytest.mark.parametrize("weight, moves", [(0.0, False), (1.0, True)])
def test_hidden_layers_move_by_the_hidden_loss_alone(weight, moves):
    changed = {"hidden_weight": weight, "relaxed": "every_1"}
    run = {"settings": SETTINGS | changed, "seed": 3, "number": 1, "total": 1, "variant": "one"}
    metrics, _, _ = limits.train([run | {"started": 0.0, "printed": 1e12}])[3]
    assert (metrics["hidden_moved"] > 0) == moves
    assert metrics["output_moved"] > 1e-3
