"""The study of approximation: least squares, construction, targets and norms against oracles."""

import numpy as np
import pytest

pytest.importorskip("jax", reason="the study differentiates with JAX")

from experiments.e13_approximation import approximation as study

RNG = np.random.default_rng(0)
SETTINGS = {"grid_points": 1001, "sample_power": 8, "edge_points": 50, "edge": 1e-9}


@pytest.fixture
def layer():
    rng = np.random.default_rng(1)
    x = rng.uniform(size=(200, 2))
    return x, *study.hidden(2, 12, 3.0, rng)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_least_squares_are_numpys_and_fulfil_the_normal_equations(layer, name):
    x, kernel, bias = layer
    fed, y = study.features(x, kernel, bias, name), study.targets(x)
    held = fed, y
    (found,) = study.solved(fed, y, [12], held, [1e-15])
    expected = np.linalg.lstsq(fed, y)[0]
    np.testing.assert_allclose(fed @ found, fed @ expected, atol=1e-9)
    np.testing.assert_allclose(fed.T @ (fed @ found - y), 0, atol=1e-8)
    (narrow,) = study.solved(fed, y, [5], held)
    expected = np.linalg.lstsq(fed[:, :6], y)[0]
    np.testing.assert_allclose(fed[:, :6] @ narrow, fed[:, :6] @ expected, atol=1e-9)


def test_what_the_layer_can_express_it_expresses(layer):
    x, kernel, bias = layer
    fed, true = study.features(x, kernel, bias, "tanh"), RNG.normal(size=(13, 1))
    far = study.features(RNG.uniform(size=(500, 2)), kernel, bias, "tanh")
    (found,) = study.solved(fed, fed @ true, [12], (fed, fed @ true))
    sup, rms = study.errors(far @ found, far @ true, 500)
    assert sup[0] <= 1e-10 and rms[0] <= sup[0]


def test_each_target_takes_the_cutoff_that_errs_less_on_points_held_out(layer):
    x, kernel, bias = layer
    fed, y = study.features(x, kernel, bias, "tanh"), study.targets(x)
    precise, coarse = (next(study.solved(fed, y, [12], (fed, y), [c])) for c in (1e-13, 0.1))
    held = fed, fed @ np.stack([precise[:, 0], coarse[:, 1], precise[:, 2]], axis=1)
    (found,) = study.solved(fed, y, [12], held, [1e-13, 0.1])
    np.testing.assert_array_equal(found[:, 1], coarse[:, 1])
    np.testing.assert_array_equal(found[:, [0, 2]], precise[:, [0, 2]])
    assert np.abs(precise - coarse).max() > 1e-3


def test_bends_lie_in_the_interval():
    kernel, bias = study.hidden(1, 50, 10.0, np.random.default_rng(2))
    bends = -bias / kernel[0]
    assert bends.min() >= 0 and bends.max() <= 1


# The construction


def test_construction_interpolates_at_its_knots():
    f, x = np.exp, RNG.uniform(size=200)
    kernel, bias, out = study.interpolant(f, 7)
    found = study.features(x[:, None], kernel, bias, "relu") @ out
    knots = np.arange(8) / 7
    np.testing.assert_allclose(found[:, 0], np.interp(x, knots, f(knots)), atol=1e-12)


def test_a_parabola_meets_the_bound():
    x = np.linspace(0, 1, 1601)
    kernel, bias, out = study.interpolant(np.square, 8)
    error = study.features(x[:, None], kernel, bias, "relu") @ out - x[:, None] ** 2
    assert np.abs(error).max() == pytest.approx(2 / (8 * 8**2), rel=1e-9)


def test_bound_holds_and_its_second_derivative_is_that_of_differences():
    settings = {"grid_points": 2001, "widths": [4, 16, 64]}
    found, bounds = study.interpolation(settings)
    assert (np.array(found) <= np.array(bounds)).all() and found[-1] > 0.8 * bounds[-1]
    step, x = 1e-4, np.linspace(0, 1, 5001)
    f = lambda t: np.cos(4 * np.pi * (t - 0.4) ** 2)  # noqa: E731
    most = np.abs(f(x + step) - 2 * f(x) + f(x - step)).max() / step**2
    assert bounds[0] == pytest.approx(most / (8 * 4**2), rel=1e-4)


# Targets and norms


def test_targets_at_known_points():
    x = np.array([[0.4, 0.4], [0.7, 0.7], [0.4, 0.4 + 0.55 * 2**0.5]])  # distances 0, 0.3, 0.55
    smooth, kinked, step = study.targets(x).T
    np.testing.assert_allclose(smooth, np.cos(4 * np.pi * np.array([0, 0.09, 0.3025])))
    expected = [np.sin(0.6 * np.pi), 0, 1]
    np.testing.assert_allclose(kinked, expected, atol=1e-12)
    assert step[0] == 0 and step[2] == 1


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_no_continuous_function_comes_nearer_to_the_step_than_one_half(dimension):
    points, y, regular = study.judged(dimension, SETTINGS)
    assert regular == (1001 if dimension == 1 else 256) and len(points) > regular
    assert points.min() >= 0 and points.max() <= 1
    pairs = points[regular:].reshape(2, -1, dimension)
    assert np.abs(pairs[0] - pairs[1]).max() < 1e-8
    steep = (1 + np.tanh(1e5 * (study.radius(points) - 0.3))) / 2
    sup, rms = study.errors(np.repeat(steep[:, None], 3, axis=1), y, regular)
    assert sup[2] == pytest.approx(0.5, abs=1e-3) and rms[2] < 0.05


def test_errors_are_the_largest_and_the_root_mean_square_without_the_pairs():
    sup, rms = study.errors(np.array([[1.0], [-2.0], [9.0]]), np.zeros((3, 1)), 2)
    assert sup[0] == 9 and rms[0] == pytest.approx(2.5**0.5)


def test_slope_is_the_exponent_above_rounding():
    widths = [2, 4, 8, 16]
    assert study.slope(widths, [1, 1 / 8, 1 / 64, 1e-12]) == pytest.approx(-3)
    assert np.isnan(study.slope(widths, [1e-9] * 4))


def test_training_moves_the_hidden_layer_and_beats_it(layer):
    x, kernel, bias = layer
    settings = {"steps": 400, "learning_rate": 0.03, "batch_size": 50}
    nets = study.trained("tanh", kernel, bias, x, study.targets(x), settings, RNG)
    fed = study.features(x, kernel, bias, "tanh")
    values = np.hstack([study.features(x, k, b, "tanh") @ out for k, b, out in nets])
    rms = study.errors(values, study.targets(x), len(x))[1]
    assert rms[0] < 0.3 and rms[2] < study.targets(x)[:, 2].std()
    assert all(np.abs(k - kernel).max() > 0.01 for k, _, _ in nets)
    again = study.trained("tanh", kernel, bias, x, study.targets(x), settings, RNG)
    assert fed.shape == (200, 13) and len(again) == 3


def test_bad_width_and_activation_are_named():
    with pytest.raises(ValueError, match="`width` must be a positive integer. Received: width=0"):
        study.hidden(1, 0, 1.0, RNG)
    with pytest.raises(ValueError, match="Received: activation='step'"):
        study.features(np.ones((1, 1)), np.ones((1, 1)), np.ones(1), "step")
