"""Residuals and the deployed network (e20): both paths, the bound, the prediction, the price."""

import keras
import numpy as np
import pytest
from scipy.special import expit

from experiments.e20_price import price, schema, training

SETTINGS = {"depth": 4, "units": 5, "iterations": 6, "samples": 3, "first_seed": 7}
SETTINGS |= {"learning_rate": 1e-2, "target_rate": 5e-2, "first_weight": 3.9, "last_weight": 3.9}
SETTINGS |= {"train_examples": 12, "train_seed": 1, "test_examples": 20, "test_seed": 2}
SETTINGS |= {"noise": 0.1}


def net_and_inputs(depth=4):
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(5, "sigmoid", bias_initializer="normal") for _ in range(depth)]
    net = keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1)])
    for layer in net.layers:
        layer.kernel.assign(3.0 * layer.kernel)
    return net, np.random.default_rng(1).normal(size=(9, 2)).astype("float32")


def forward(net, x):
    """The deployed pre-activations of the hidden layers, in double precision."""
    found, value = [], x.astype("float64")
    for layer in net.layers[:-1]:
        kernel, bias = (np.asarray(one, "float64") for one in layer.get_weights())
        found.append(value @ kernel + bias)
        value = expit(found[-1])
    return found


def moved(net, x, size, layers=None):
    """Targets that lie off the forward pass by some noise, in these layers or all."""
    rng = np.random.default_rng(2)
    noise = [size * rng.normal(size=z.shape) for z in forward(net, x)]
    return [
        z + (one if layers is None or place in layers else 0)
        for place, (z, one) in enumerate(zip(forward(net, x), noise, strict=True))
    ]


def test_paths_are_those_of_the_layers():
    net, x = net_and_inputs()
    targets = moved(net, x, 0.5)
    found = price.paths(net.get_weights(), targets, x)
    np.testing.assert_allclose(found.deployed, net.predict(x, verbose=0)[:, 0], rtol=1e-4)
    fed = [x, *(expit(one) for one in targets)]
    for place, layer in enumerate(net.layers[:-1]):
        own = fed[place] @ np.asarray(layer.kernel) + np.asarray(layer.bias)
        norms = np.linalg.norm(targets[place] - own, axis=1)
        np.testing.assert_allclose(found.residuals[place], norms, rtol=1e-5)
    last = net.layers[-1](fed[-1].astype("float32"))
    np.testing.assert_allclose(found.relaxed, np.asarray(last)[:, 0], rtol=1e-4)


def test_the_prediction_is_right_to_first_order():
    """What it misses falls with the square of the residuals."""
    net, x = net_and_inputs()
    missed = []
    for size in (2e-3, 1e-3):
        found = price.paths(net.get_weights(), moved(net, x, size), x)
        missed.append(np.abs(found.predicted - found.deployed).max())
        assert missed[-1] < 0.05 * np.abs(found.relaxed - found.deployed).max()
    assert missed[0] / missed[1] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("size", [1e-3, 0.3, 3.0])
def test_no_distance_is_beyond_the_bound_or_below_its_price(size):
    net, x = net_and_inputs()
    found = price.measures(price.paths(net.get_weights(), moved(net, x, size), x), np.ones(9))
    assert found["bound_orders"] >= 0 and found["price_orders"] >= 0


def test_a_mismatch_in_one_layer_meets_the_bound_and_pays_by_its_reach():
    net, x = net_and_inputs()
    targets = forward(net, x)
    targets[1] = targets[1] + 0.2
    for place in (2, 3):  # the layers above follow the target below them
        kernel, bias = net.layers[place].get_weights()
        targets[place] = expit(targets[place - 1]) @ kernel.astype("float64") + bias
    found = price.paths(net.get_weights(), targets, x)
    assert found.residuals[[0, 2, 3]].max() < 1e-12
    ratios = price.measures(found, np.ones(9))
    assert ratios["bound_orders"] == pytest.approx(0, abs=1e-9)
    # Below the residual the paths are one, and what is no distance has no factor.
    reach = np.cumprod(found.secants[::-1], axis=0)[::-1]
    least = np.log10((reach**2).sum(axis=0) / reach[1] ** 2).mean()
    assert ratios["price_orders"] == pytest.approx(least, abs=1e-9)


def test_equal_shares_of_an_isometry_cost_the_least():
    """K = 1 and T layers: a distance d by residuals of d / T each, which pay d^2 / T."""
    layers, examples = 8, 3
    one = price.Paths(
        np.full((layers, examples), 0.5),
        np.ones((layers, examples)),
        np.zeros(examples),
        np.full(examples, 4.0),
        np.full(examples, 4.0),
    )
    found = price.measures(one, np.ones(examples))
    assert found["price_orders"] == pytest.approx(0) and found["bound_orders"] == pytest.approx(0)
    assert found["discount_orders"] == pytest.approx(np.log10(8))
    assert found["deployed_loss"] == pytest.approx(np.log1p(np.exp(-4.0)))


def test_a_run_compares_the_paths_that_the_model_has():
    run = {"settings": SETTINGS, "seed": 0, "number": 1, "total": 1, "variant": "one"}
    metrics, curves, status = training.measured(run | {"started": 0.0, "printed": 1e12})
    assert status == "ok" and set(metrics) == set(schema.metrics(SETTINGS))
    assert set(curves) == set(schema.curves(SETTINGS))
    assert curves["iteration"] == [1, 2, 6]
    assert len(curves["residual_orders"]) == len(curves["secant_orders"]) == 4
    assert metrics["task_loss"] < metrics["deployed_loss"]


def test_the_watched_loss_is_the_models():
    """After a step at rate zero nothing moves: the losses are those that the log has."""
    settings = SETTINGS | {"learning_rate": 0.0, "target_rate": 5e-2}
    net, model = training.built(settings, 3)
    x, y, *_ = training.moons(settings)
    model.fit(x, y, batch_size=12, epochs=4, shuffle=False, verbose=0)
    rows = model.targets(np.arange(12))
    targets = [rows[layer.name] for layer in net.layers[:-1]]
    found = price.measures(price.paths(net.get_weights(), targets, x), y[:, 0])
    history = model.fit(x, y, batch_size=12, epochs=1, shuffle=False, verbose=0).history
    assert found["task_loss"] == pytest.approx(history["task_loss"][0], rel=1e-4)
