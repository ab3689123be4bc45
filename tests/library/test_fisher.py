"""The layer-wise Fisher information: its expectation is known, f'(a) x^2."""

import keras
import numpy as np
import pytest
from keras import layers

import raikeras
from raikeras.diagnostics import layer_fisher

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")


def variance(name, own):
    """Of the layer's own distribution: the slope of f."""
    if name == "linear":
        return np.ones_like(own)
    if name == "tanh":
        return 1 - np.tanh(own) ** 2
    if name == "sigmoid":
        return np.exp(-np.logaddexp(0, own) - np.logaddexp(0, -own))
    soft = np.exp(own) / np.exp(own).sum(axis=1, keepdims=True)
    return soft * (1 - soft)


@pytest.mark.parametrize("last", ["linear", "sigmoid", "softmax"])
def test_the_estimate_has_the_known_expectation(last):
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [keras.Input((4,)), layers.Dense(5, "tanh", name="first"),
         layers.Dense(3, last, use_bias=False, name="last")]
    )  # fmt: skip
    found = layer_fisher(net, X, samples=4000, seed=0)
    assert {name: len(arrays) for name, arrays in found.items()} == {"first": 2, "last": 1}
    (kernel, bias), (top,) = net.layers[0].get_weights(), net.layers[1].get_weights()
    own = X @ kernel + bias
    slope = variance("tanh", own)
    np.testing.assert_allclose(found["first"][0], (X**2).T @ slope / 40, rtol=0.05)
    np.testing.assert_allclose(found["first"][1], slope.mean(axis=0), rtol=0.05)
    hidden = np.tanh(own)
    expected = (hidden**2).T @ variance(last, hidden @ top) / 40
    np.testing.assert_allclose(found["last"][0], expected, rtol=0.05)


def test_layers_inside_models_and_wrappers_are_found():
    keras.utils.set_random_seed(0)
    first, last = layers.Dense(3, "tanh", name="first"), layers.Dense(2, name="last")
    inner = keras.Sequential([keras.Input((4,)), first])
    nested = keras.Sequential([keras.Input((4,)), inner, raikeras.layers.Relaxed(last)])
    flat = keras.Sequential([keras.Input((4,)), first, last])
    found, expected = (layer_fisher(net, X, seed=0) for net in (nested, flat))
    assert list(found) == list(expected) == ["first", "last"]
    for name, arrays in expected.items():
        for ours, theirs in zip(found[name], arrays, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    shared, start = layers.Dense(4, name="twice"), keras.Input((4,))
    with pytest.raises(ValueError, match="layer `twice`, called several times"):
        layer_fisher(keras.Model(start, shared(shared(start))), X)


def test_a_seed_repeats_the_draws():
    net = keras.Sequential([keras.Input((4,)), layers.Dense(2, "sigmoid", name="only")])
    first, again, other = (layer_fisher(net, X, seed=seed)["only"][0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_what_cannot_be_drawn_is_refused():
    net = keras.Sequential([keras.Input((4,)), layers.Dense(2, "relu", name="bent")])
    with pytest.raises(ValueError, match="Labels can be drawn.*layer `bent`"):
        layer_fisher(net, X)
    with pytest.raises(ValueError, match="`samples` must be a positive integer"):
        layer_fisher(net, X, samples=0)
