"""The autoencoder's images, loss, methods, their costs, and the choice of settings."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from experiments.common import autoencoder, minibatch

if keras.backend.backend() != "jax":
    pytest.skip("The study of autoencoders trains on JAX.", allow_module_level=True)

import jax
from jax import numpy as jnp

from experiments.e10_autoencoder import contest, data, methods
from experiments.e10_autoencoder.gauss_newton import GaussNewton

TINY = {
    "dataset": "digits",
    "train_examples": 60,
    "test_examples": 30,
    "hidden_units": [8, 6],
    "code_units": 3,
    "epochs": 2,
    "batch_size": 20,
    "trials": 2,
    "checkpoints": 2,
}


def net_and_images():
    rows, _ = data.images(TINY)
    keras.utils.set_random_seed(3)
    return autoencoder.network(64, TINY["hidden_units"], TINY["code_units"]), rows


# Images and loss


def test_images_are_halved_by_means_of_two_by_two(monkeypatch):
    rows = np.arange(2 * 784, dtype="float32").reshape(2, 784) / 1600
    monkeypatch.setattr(minibatch, "images", lambda _: (rows, None, rows, None))
    small, test = data.images({"test_examples": 1})
    assert small.shape == (2, 196) and len(test) == 1
    image = rows[1].reshape(28, 28)
    assert small[1, 15] == pytest.approx(image[2:4, 2:4].mean())


def test_small_images_stay_as_they_are():
    train, test = data.images(TINY)
    assert train.shape == (60, 64) and test.shape == (30, 64)
    assert 0 <= train.min() and train.max() <= 1
    assert {*np.unique(train)} <= {*np.unique(load_digits().data / 16).astype("float32")}


def test_no_reconstruction_is_below_the_floor():
    rows = np.array([[0.0, 1.0, 0.5, 0.25]])
    below = -np.log(0.5) - 0.25 * np.log(0.25) - 0.75 * np.log(0.75)
    assert data.floor(rows) == pytest.approx(below)


def test_net_is_mirrored_with_a_linear_code_and_every_start_of_its_own():
    net, _ = net_and_images()
    assert [layer.units for layer in net.layers] == [8, 6, 3, 6, 8, 64]
    names = [layer.activation.__name__ for layer in net.layers]
    assert names == ["tanh", "tanh", "linear", "tanh", "tanh", "sigmoid"]
    assert all(np.ptp(layer.bias) > 0.1 for layer in net.layers)  # glorot_uniform, not zero
    assert contest.layer_sizes(64, TINY) == [64, 8, 6, 3, 6, 8, 64]


def test_loss_in_numpy_is_that_of_the_network_and_of_keras():
    net, rows = net_and_images()
    made = net.predict(rows, verbose=0).astype("float64")
    nats = -(rows * np.log(made) + (1 - rows) * np.log1p(-made)).sum(axis=1).mean()
    assert data.nats(net.get_weights(), rows) == pytest.approx(nats, rel=1e-5)
    loss = autoencoder.PixelEntropy()(rows, made.astype("float32"))
    assert float(loss) == pytest.approx(nats, rel=1e-5)


# Methods


def test_rates_rise_over_a_twentieth_and_fall_to_zero_after_the_end():
    found = np.array([float(methods.linear(2.0, step, 100)) for step in range(100)])
    np.testing.assert_allclose(found[:5], 2.0 * np.arange(1, 6) / 5, rtol=1e-6)
    np.testing.assert_allclose(found[4:], 2.0 * (100 - np.arange(4, 100)) / 96, rtol=1e-5)


def test_every_method_has_eight_different_settings():
    for method in methods.METHODS.values():
        assert len({tuple(one.items()) for one in method.trials}) == 8


def gauss_newton(net, rate=1.0, damping=1e-3, iterations=300):
    one = {"rate": rate, "damping": damping}
    return GaussNewton(net, [net.get_weights()], [one], lambda rate, step: rate, iterations)


def test_direction_of_gauss_newton_solves_the_damped_equations():
    """The matrix in NumPy, double precision, from the full Jacobian of a tiny net."""
    keras.utils.set_random_seed(1)
    net, rows = autoencoder.network(5, [4], 2), np.random.default_rng(0).uniform(size=(7, 5))
    rows = rows.astype("float32")
    shapes = [weight.shape for weight in net.get_weights()]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def logits(flat):
        values = rows
        parts = [part.reshape(s) for part, s in zip(jnp.split(flat, ends), shapes, strict=True)]
        for layer in range(4):
            values = values @ parts[2 * layer] + parts[2 * layer + 1]
            values = jnp.tanh(values) if layer in (0, 2) else values
        return values

    flat = jnp.concatenate([one.ravel() for one in net.get_weights()])
    jacobian = np.asarray(jax.jacobian(logits)(flat), "float64").reshape(35, -1)
    made = np.asarray(jax.nn.sigmoid(logits(flat)), "float64").ravel()
    matrix = jacobian.T @ (jacobian * (made * (1 - made))[:, None]) / 7
    gradient = jacobian.T @ (made - rows.ravel()) / 7
    wanted = np.linalg.solve(matrix + 0.1 * np.eye(len(flat)), -gradient)

    runs = gauss_newton(net, rate=0.5, damping=0.1)
    loss = runs.train(rows, rows, np.arange(7)[None, None])
    np.testing.assert_allclose(runs.state.direction[0], wanted, rtol=2e-3, atol=2e-5)
    after = np.concatenate([one.ravel() for one in runs.net_weights(0)])
    np.testing.assert_allclose(after, flat + 0.5 * wanted, rtol=2e-3, atol=2e-5)
    assert loss[0, 0] == pytest.approx(data.nats(net.get_weights(), rows), rel=1e-5)
    # The model's promise holds or does not: the damping follows Levenberg and Marquardt.
    change = np.asarray(jnp.concatenate([one.ravel() for one in net.get_weights()])) + wanted
    split = [part.reshape(s) for part, s in zip(np.split(change, ends), shapes, strict=True)]
    promised = gradient @ wanted + wanted @ matrix @ wanted / 2
    ratio = (data.nats(split, rows) - loss[0, 0]) / promised
    factor = 1 / 1.5 if ratio > 0.75 else 1.5 if ratio < 0.25 else 1.0
    assert float(runs.state.damping[0]) == pytest.approx(0.1 * factor, rel=1e-5)


def test_gauss_newton_outputs_logits_of_the_net():
    net, rows = net_and_images()
    found = gauss_newton(net).outputs(rows)[0]
    made = net.predict(rows, verbose=0)
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), made, rtol=1e-4, atol=1e-6)


def test_work_is_counted_in_products():
    """By hand: a layer of n inputs and m units on a batch of b needs b n m for a product."""
    sizes, batch = [4, 3, 4], 10
    product = batch * 12
    backprop = 5 * product  # outputs twice, gradients by weights twice, one by inputs

    def count(name):
        return pytest.approx(methods.gradient_evaluations(name, sizes, batch) * backprop)

    assert count("adam") == backprop
    assert count("locoprop_m") == 3 * product + methods.LOCAL_STEPS * 4 * product
    moments = batch * (16 + 9) + 2 * product
    assert count("locoprop_s") == 3 * product + moments + methods.LOCAL_STEPS * (16 * 3 + 9 * 4)
    solved = (64 + 27) / 3 + 2 * (16 * 3 + 9 * 4)
    assert count("locoprop_s_closed") == 3 * product + moments + solved
    tangents = (methods.ITERATIONS + 1) * 6 * product
    assert count("gauss_newton") == backprop + tangents + 2 * product
    assert count("inferred") == 2 * product + 3 * product + backprop


# Choice and runs


def run_of(method, **more):
    settings = TINY | {"method": method} | more
    return {"settings": settings, "printed": np.inf, "started": 0.0, "number": 1, "total": 1}


TRAINED = ("adam", "gauss_newton", "locoprop_s", "locoprop_s_closed", "locoprop_m", "inferred")


@pytest.mark.parametrize("method", TRAINED)
def test_a_method_trains_and_reports_its_best_trial(method):
    found = contest.results_of(run_of(method), [0, 1])
    assert [*found] == [0, 1]
    metrics, curves = found[0]
    assert curves["epoch"] == [0, 1, 2]
    assert curves["train_excess"][-1] == metrics["train_excess"]
    assert 0 < metrics["train_excess"] < curves["train_excess"][0]
    assert metrics["trial"] == int(np.argmin(curves["trial_excess"]))
    assert metrics["gradient_evaluations"] == pytest.approx(6 * metrics["step_evaluations"])
    assert found[1][0]["train_excess"] != metrics["train_excess"]


def test_backprop_is_that_of_keras():
    """The same batches, rate and start in plain Keras."""
    run = run_of("sgd", trials=1)
    found = contest.results_of(run, [5])[5][0]
    rows, _ = data.images(TINY)
    keras.utils.set_random_seed(5)
    net = autoencoder.network(64, TINY["hidden_units"], TINY["code_units"])
    rates = [
        float(methods.linear(methods.METHODS["sgd"].trials[0]["rate"], k, 6)) for k in range(6)
    ]
    optimizer = keras.optimizers.SGD(rates[0])
    net.compile(optimizer, autoencoder.PixelEntropy())
    order = np.random.default_rng(5)
    for epoch in range(2):
        chosen = order.permutation(60)
        for batch in range(3):
            net.optimizer.learning_rate = rates[3 * epoch + batch]
            ids = chosen[20 * batch : 20 * (batch + 1)]
            net.train_on_batch(rows[ids], rows[ids])
    after = data.nats(net.get_weights(), rows) - data.floor(rows)
    assert found["train_excess"] == pytest.approx(after, rel=1e-5)


def test_trials_that_share_a_program_train_together():
    tried = methods.METHODS["nesterov"].trials
    groups = contest._groups(tried)
    assert sorted(one for group in groups for one in group) == [*range(8)]
    assert all(len({tried[one]["momentum"] for one in group}) == 1 for group in groups)


def test_unknown_method_is_named():
    with pytest.raises(ValueError, match="sgd, .*adam_long. Received: method='none'"):
        contest.results_of(run_of("none"), [0])
