"""Decision landscapes and how much they disagree, against closed forms."""

import keras
import numpy as np
import pytest

import raikeras
from raikeras.diagnostics import boundary_disagreement, decision_landscape


def linear_net(first=1.0, second=10.0):
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    net.set_weights([np.array([[first], [second]]), np.array([0.5])])
    return net


def test_rows_of_a_landscape_run_along_the_second_input():
    landscape = decision_landscape(linear_net(), low=-1.0, high=2.0, resolution=7, batch_size=10)
    axis = np.linspace(-1, 2, 7)
    np.testing.assert_allclose(landscape.axis, axis)
    expected = axis[None, :] + 10 * axis[:, None] + 0.5
    np.testing.assert_allclose(landscape.values, expected, rtol=1e-5, atol=1e-5)


def test_default_grid_is_that_of_the_report():
    landscape = decision_landscape(linear_net())
    assert landscape.values.shape == (100, 100)
    assert (landscape.axis[0], landscape.axis[-1]) == (-3.0, 3.0)


def test_a_relaxed_model_shows_its_deployed_network():
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1, "sigmoid")]
    )
    model = raikeras.RelaxedModel(net)
    expected = decision_landscape(net, resolution=5).values
    np.testing.assert_allclose(decision_landscape(model, resolution=5).values, expected, rtol=1e-6)


def test_disagreement_is_the_mean_share_over_all_pairs():
    base = np.zeros((4, 5))
    left, half = base.copy(), base.copy()
    left[:, 0], half[:2] = 0.9, 0.51  # a fifth and a half of the grid
    # pairs: base-left 4/20, base-half 10/20, left-half 4+10-2*2 = 10 of 20
    found = boundary_disagreement([base, left, half])
    assert found == pytest.approx((4 + 10 + 10) / 20 / 3)
    assert boundary_disagreement([left, left.copy()]) == 0
    assert boundary_disagreement([base, base + 1]) == 1


def test_disagreement_of_two_half_planes_is_the_angle_between_them():
    """Boundaries through the origin at 45 degrees disagree on a quarter of a square."""
    nets = [linear_net(1.0, 0.0), linear_net(1.0, 1.0)]
    values = [decision_landscape(net, resolution=200).values - 0.5 for net in nets]
    assert boundary_disagreement(values, threshold=0.0) == pytest.approx(0.25, abs=0.01)


def test_the_threshold_counts():
    values = [np.array([[0.2, 0.4]]), np.array([[0.2, 0.2]])]
    assert boundary_disagreement(values) == 0
    assert boundary_disagreement(values, threshold=0.3) == 0.5


@pytest.mark.parametrize("landscapes", [[], [np.zeros((2, 2))]])
def test_one_landscape_cannot_disagree(landscapes):
    with pytest.raises(ValueError, match=f"`landscapes`.*Received: {len(landscapes)}"):
        boundary_disagreement(landscapes)
