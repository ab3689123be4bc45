"""The study of gradients: equation 23, gradients by layer, theory and the cliff against oracles."""

import keras
import numpy as np
import pytest

pytest.importorskip("jax", reason="the study differentiates with JAX")

from experiments.common.activations import FUNCTIONS, function
from experiments.common.moons import moons
from experiments.e03_gradients import (
    cliff,
    gradients,
)
from experiments.e03_gradients import training as gradients_training
from raikeras.diagnostics import gradient_norms

SETTINGS = {"activation": "tanh", "units": 6, "large_gain": 16.0, "depths": [2, 3, 4]}
SETTINGS |= {"bias_range": [2.0, 4.0]}
DATA = {"train_examples": 20, "train_seed": 1, "test_examples": 2, "test_seed": 2, "noise": 0.1}
X, Y = (array.astype("float64") for array in moons(DATA)[:2])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_equation_23_is_the_automatic_derivative_up_to_fifty_layers(name):
    rng = np.random.default_rng(0)
    for length in (1, 2, 10, 50):
        assert gradients.chain_error(name, length, 2, rng) <= 1e-12


@pytest.mark.parametrize("name", FUNCTIONS)
def test_equation_23_is_the_quotient_of_differences(name):
    def f(z):
        if name == "arctan":
            return np.arctan(z)
        return float(keras.ops.convert_to_numpy(getattr(keras.ops, name)([z]))[0])

    weights, biases = np.array([0.7, 1.3, 0.9]), np.array([0.2, 0.1, 0.3])

    def chain(first):
        value = 0.8
        for weight, bias in zip([first, *weights[1:]], biases, strict=True):
            value = f(weight * value + bias)
        return 1.5 * value

    step = 1e-6 if name == "arctan" else 1e-2  # Keras' functions are single precision
    expected = (chain(0.7 + step) - chain(0.7 - step)) / (2 * step)
    found = gradients.chain_slope(name, weights, biases, 1.5, 0.8)
    assert found == pytest.approx(expected, rel=1e-8 if name == "arctan" else 2e-3)


def test_a_dead_chain_has_no_derivative():
    ones = np.ones(3)
    assert gradients.chain_slope("relu", ones, -5 * ones, 1.0, 1.0) == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_norms_by_layer_are_those_of_the_library(name):
    settings = SETTINGS | {"activation": name}
    net = gradients.plain_net(3, settings)
    for start, weights in gradients.starts(3, settings, 0).items():
        if start == "large":
            continue  # logits in the hundreds, which single precision cuts off
        net.set_weights(weights)
        net.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
        expected = list(gradient_norms(net, X, Y).values())
        found = gradients.layer_norms(weights, name, X, Y)
        np.testing.assert_allclose(found, expected, rtol=1e-3, err_msg=start)


def test_starts_have_their_variances():
    found = gradients.starts(2, SETTINGS | {"units": 150}, 0)
    products = {start: 150 * np.var(weights[2]) for start, weights in found.items()}
    expected = {"default": 1, "torch": 1 / 3, "he": 2, "large": 256}
    for start, value in expected.items():
        assert products[start] == pytest.approx(value, rel=0.03), start
    for kernel, same in zip(found["biased"][::2], found["default"][::2], strict=True):
        assert np.array_equal(kernel, same)
    for bias in found["biased"][1:-1:2]:
        assert (
            2 <= np.abs(bias).min()
            and np.abs(bias).max() <= 4
            and -0.3 < np.sign(bias).mean() < 0.3
        )
    assert not found["biased"][-1].any()
    assert not found["default"][1].any() and np.abs(found["torch"][3]).max() > 0.04


@pytest.mark.parametrize("variance", [1.0, 2.0])
def test_theory_of_relu_is_known(variance):
    """E relu^2 = q / 2 and E relu'^2 = 1 / 2: forward and backward take variance / 2 a layer."""
    weights = [np.full((2, 10**6), 3.0), np.zeros(10**6)]  # so many units hide the bias
    found = gradients.predicted("relu", variance, 0, weights, 5, np.ones((1, 2)))
    steps = np.diff(found)[1:]  # the first layer is fed by the data
    expected = (np.log10(variance / 2) - np.log10(variance / 2)) / 2
    np.testing.assert_allclose(steps, expected, atol=1e-6)


def test_theory_meets_wide_layers():
    settings = SETTINGS | {"units": 150}
    for name in ("sigmoid", "tanh"):
        weights = gradients.starts(6, settings | {"activation": name}, 3)["default"]
        norms = np.log10(gradients.layer_norms(weights, name, X, Y))
        theory = gradients.predicted(name, 1, 0, weights, 6, X)
        assert gradients.rate(norms[:-1]) == pytest.approx(gradients.rate(theory), abs=0.03)


def test_rate_is_the_change_towards_the_input():
    assert gradients.rate([9.0, -3.0, -2.0, -1.0]) == pytest.approx(-1.0)
    assert np.isnan(gradients.rate([0.0, -np.inf, 1.0, 2.0]))


def test_shared_layers_do_not_feel_the_depth_above_them():
    settings = SETTINGS | {"local_depths": [2, 6], "shift": 0.1, "local_activations": ["sigmoid"]}
    found = gradients_training.locality(0, settings, np.float32(X), np.float32(Y))
    assert 0 < found["sigmoid_bp_orders"] * -1 and found["local_error"] <= 1e-5


def test_the_first_layers_gradient_arrives_after_as_many_steps_as_layers():
    settings = SETTINGS | {"trained_depth": 3, "iterations": 8, "first_steps": 6}
    settings |= {"steps_apart": 2, "rai_rate": 0.1, "bp_rate": 1e-2, "fits": ["rai"]}
    steps, norms = gradients_training.fitted("rai", 0, settings, np.float32(X), np.float32(Y))
    assert steps == [0, 1, 2, 3, 4, 5, 6, 8]
    arrived = norms[:6] > -5  # below: rounding
    assert (arrived == [[step + layer >= 4 for layer in range(4)] for step in range(6)]).all()
    with pytest.raises(ValueError, match="`fits` must name"):
        gradients_training.fitted("other", 0, settings, X, Y)


def test_cliff_slopes_are_quotients_of_differences():
    step = 1e-6
    for weight, bias in ((5.5, -3.0), (6.3, -3.1)):
        _, by_weight, by_bias = cliff.loss_and_slope(weight, bias, 20, 0.7)
        values = [cliff.loss_and_slope(weight + s * step, bias, 20, 0.7)[0] for s in (1, -1)]
        assert by_weight == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)
        values = [cliff.loss_and_slope(weight, bias + s * step, 20, 0.7)[0] for s in (1, -1)]
        assert by_bias == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)


def test_no_clipped_step_is_longer_than_the_clip_allows():
    settings = {"start": [6.2, -3.0], "cliff_rate": 0.5, "cliff_iterations": 60, "goal": 0.7}
    settings |= {"cliff_steps": 50}
    weights, losses = cliff.descent(settings, clip=0.05)
    assert len(weights) == len(losses) == 61
    assert np.abs(np.diff(weights)).max() <= 0.5 * 0.05 + 1e-12


def test_unknown_activation_is_named():
    with pytest.raises(ValueError, match="`activation` must be one of.*Received: activation='x'"):
        function("x")
