"""Very deep nets (e15): what steps can reach, the front, and the readout."""

import keras
import numpy as np
import pytest

import raikeras

if keras.backend.backend() != "jax":
    pytest.skip("the experiment maps JAX programs", allow_module_level=True)

from experiments.common.moons import rai_or_backprop
from experiments.e15_depth import deep

STEPS = 3
SETTINGS = {
    "method": "rai",
    "depth": 7,
    "units": 6,
    "gain_scale": 3.0,
    "learning_rate": 1e-2,
    "target_rate": 2e-2,
    "first_weight": 3.9,
    "last_weight": 400.0,
    "iterations": STEPS,
    "first_seed": 1000,
    "train_examples": 20,
    "train_seed": 42,
    "test_examples": 50,
    "test_seed": 4242,
    "noise": 0.1,
    "samples": 1,
}


def decay(rate):
    return keras.optimizers.schedules.PolynomialDecay(rate, STEPS, 0.02 * rate)


def trained_whole(seed=0):
    """The whole net trained by the library's own `fit`; its start."""
    net = deep.plain_net(SETTINGS)
    raikeras.initializers.isometric_start(net, deep.gain(SETTINGS), seed=1000 + seed)
    start = net.get_weights()
    adam = keras.optimizers.Adam(decay(1e-2), beta_2=0.99)
    growth = keras.optimizers.schedules.ExponentialDecay(3.9, STEPS, 400.0 / 3.9)
    targets = raikeras.Learned(optimizer=keras.optimizers.Adam(decay(2e-2), beta_2=0.99))
    hidden = [layer.name for layer in net.layers[:-1]]
    model = raikeras.RelaxedModel(net, targets=targets, relax=hidden, hidden_weight=growth)
    model.compile(adam, keras.losses.BinaryCrossentropy(from_logits=True))
    x, y, *_ = deep.moons(SETTINGS)
    model.fit(x, y, batch_size=len(x), epochs=STEPS, shuffle=False, verbose=0)
    return net, start


def measured():
    run = {"settings": SETTINGS, "seed": 0}
    run |= {"number": 1, "total": 1, "variant": "rai", "started": 0.0, "printed": 1e12}
    return deep.Deep().measure(run)


def accuracy(net):
    *_, x, y = deep.moons(SETTINGS)
    return ((net.predict(x, verbose=0) > 0) == (y > 0.5)).mean()


def test_rai_moves_only_as_many_layers_as_it_has_steps():
    net, start = trained_whole()
    moved = [
        any(np.any(a != b) for a, b in zip(before, after, strict=True))
        for before, after in zip(
            zip(start[::2], start[1::2], strict=True),
            zip(net.get_weights()[::2], net.get_weights()[1::2], strict=True),
            strict=True,
        )
    ]
    still = SETTINGS["depth"] - deep.reached(SETTINGS)
    assert not any(moved[:still])
    assert moved[-1] and moved[-2]


def test_training_what_can_move_equals_training_the_whole_net():
    net, _ = trained_whole()
    x, y, *_ = deep.moons(SETTINGS)
    logits = net.predict(x, verbose=0).astype("float64")
    loss = np.logaddexp(0, np.where(y > 0.5, -logits, logits)).mean()
    metrics, curves, status = measured()
    assert status == "ok"
    np.testing.assert_allclose(metrics["train_loss"], loss, atol=5e-6)
    np.testing.assert_allclose(metrics["test_accuracy"], accuracy(net), atol=1e-6)
    assert metrics["layers_reached"] == STEPS
    assert metrics["products_in_a_row"] == 2 * STEPS
    assert curves["iteration"] == [0, STEPS]


def test_front_is_the_first_layers_of_the_net():
    net = deep.plain_net(SETTINGS)
    raikeras.initializers.isometric_start(net, seed=0)
    x = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    for layers in (0, 1, 4):
        expected = x
        for layer in net.layers[:layers]:
            kernel, bias = layer.get_weights()
            expected = 1 / (1 + np.exp(-(expected @ kernel + bias)))
        found = deep.front(net.get_weights()[: 2 * layers], x)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_start_alone_is_read_out_from_the_last_hidden_layer():
    from sklearn.linear_model import LogisticRegression

    metrics, _, _ = measured()
    net = deep.plain_net(SETTINGS)
    raikeras.initializers.isometric_start(net, deep.gain(SETTINGS), seed=1000)
    x, y, x_test, y_test = deep.moons(SETTINGS)
    last = keras.Model(net.inputs, net.layers[-2].output)
    train, test = (last.predict(each, verbose=0).astype("float64") for each in (x, x_test))
    scale = train.std(0).mean()
    fitted = LogisticRegression(C=100.0, max_iter=10_000).fit(
        (train - train.mean(0)) / scale, y[:, 0]
    )
    found = fitted.score((test - train.mean(0)) / scale, y_test[:, 0])
    np.testing.assert_allclose(metrics["readout_test_accuracy"], found, atol=0.021)


def test_neighbours_part_by_the_square_of_the_gain_beyond_one():
    """chi = 1 + 4/3 (gain - 1)^2 at the fixed point of tanh nets, by Gaussian quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()

    def mean(function, variance):
        return (weights * function(np.sqrt(variance) * points)).sum()

    for gain in (1.01, 1.03):
        variance = gain - 1
        for _ in range(20_000):
            variance = gain**2 * mean(lambda z: np.tanh(z) ** 2, variance)
        np.testing.assert_allclose(variance, gain - 1, rtol=0.15)
        chi = gain**2 * mean(lambda z: np.cosh(z) ** -4, variance)
        np.testing.assert_allclose(chi - 1, 4 / 3 * (gain - 1) ** 2, rtol=0.15)


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="Received: method='evolution'"):
        rai_or_backprop(deep.plain_net(SETTINGS), SETTINGS | {"method": "evolution"})
