"""The oracle of many tests: with these settings a RelaxedModel trains as plain Keras does."""

import keras
import numpy as np

import raikeras


def number(value) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(value))


def as_backprop(net, **settings):
    """The net in a model whose training is backprop, by targets one gradient step away."""
    loss = raikeras.losses.HalfSquaredError()
    settings = {"targets": raikeras.Gradient(), "hidden_loss": loss, "deployed_every": 1} | settings
    return raikeras.RelaxedModel(net, **settings)


def trained(build, x, y, wrap=None, loss="mse", compiled=None, fit=None, optimizer=None):
    """A net from `build()`, started at fixed weights and trained; its History too.

    Args:
        wrap: What makes a model of the net; `None`: the net is trained by plain Keras.
        compiled, fit: Further arguments of `compile` and `fit`.
    """
    keras.utils.set_random_seed(0)
    net = build()
    rng = np.random.default_rng(1)
    net.set_weights([w + 0.1 * rng.normal(size=w.shape).astype(w.dtype) for w in net.get_weights()])
    model = net if wrap is None else wrap(net)
    optimizer = keras.optimizers.SGD(0.1) if optimizer is None else optimizer
    optimizer = type(optimizer).from_config(optimizer.get_config())  # each its own
    model.compile(optimizer, loss, **(compiled or {}))
    settings = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0} | (fit or {})
    return net, model.fit(x, y, **settings)


def assert_trains_as_keras(
    build, x, y, rtol=1e-5, atol=2e-6, wrap=as_backprop, deployed=True, **settings
):
    """Weights and state end where plain Keras' do, and the deployed loss is Keras' loss.

    Args:
        deployed: Whether training and inference are one function of the weights, so that the
            losses can be compared.
    """
    expected, plain = trained(build, x, y, **settings)
    net, history = trained(build, x, y, wrap, **settings)
    for found, wanted in zip(net.variables, expected.variables, strict=True):
        if found.dtype.startswith("float"):
            np.testing.assert_allclose(
                number(found), number(wanted), rtol, atol, err_msg=found.path
            )
    if deployed:
        found = history.history["deployed_loss"]
        np.testing.assert_allclose(found, plain.history["loss"], 1e-4, 1e-5)
    return history, plain
