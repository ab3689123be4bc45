"""A net that changes after it was wrapped: followed where that is well defined, else one error."""

import functools

import keras
import numpy as np
import pytest
from backprop import as_backprop, number
from keras import layers

import raikeras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 6)).astype("float32")
Y = RNG.normal(size=(16, 1)).astype("float32")
CHANGED = "The net must have the relaxed layers with which it was wrapped.*RelaxedModel"


def deep_net():
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(6, "tanh", name=f"d{k}") for k in range(4)]
    return keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(1, name="out")])


def fit(model, epochs=2, compiled=True):
    if compiled:
        model.compile(keras.optimizers.SGD(0.1), "mse")
    return model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)


def freeze(net):
    net.get_layer("d1").trainable = False


def free_again(net):
    freeze(net)
    net.get_layer("d1").trainable = True


def add_regularizer(net):
    net.get_layer("d2").kernel_regularizer = keras.regularizers.L2(0.1)


def change_activation(net):
    net.get_layer("d2").activation = keras.activations.sigmoid


def enable_lora(net):
    keras.utils.set_random_seed(1)
    net.get_layer("d1").enable_lora(2)


FOLLOWED = [freeze, free_again, add_regularizer, change_activation, enable_lora]


@functools.cache
def plain(change):
    """Nets that plain Keras trained, before and after a change."""
    return changed(change, lambda net: net)


def changed(change, wrap):
    """A net that changes before it is trained, and one that is trained before and after."""
    net = deep_net()
    model = wrap(net)
    model.compile("sgd", "mse")
    change(net)
    fit(model)
    other = deep_net()
    model = wrap(other)
    fit(model)
    change(other)
    fit(model)
    return net, other


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("change", FOLLOWED)
def test_a_change_acts_at_the_next_fit_as_in_plain_keras(change, fuse):
    """Before the first `fit` and after it; with `compile` in between, as Keras asks for it."""
    found = changed(change, lambda net: as_backprop(net, fuse=fuse))
    for expected, net in zip(plain(change), found, strict=True):
        for wanted, found in zip(expected.weights, net.weights, strict=True):
            np.testing.assert_allclose(number(found), number(wanted), 1e-5, 1e-6, found.path)


@pytest.mark.parametrize("fuse", [True, False])
def test_evaluate_and_predict_follow_a_new_activation(fuse):
    net = deep_net()
    model = raikeras.RelaxedModel(net, fuse=fuse)
    fit(model)
    model.evaluate(X, Y, verbose=0), model.predict(X, verbose=0)
    change_activation(net)
    expected = keras.models.clone_model(net)
    expected.set_weights(net.get_weights())
    expected.compile(loss="mse")
    wanted = expected.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(wanted)
    np.testing.assert_allclose(
        model.predict(X, verbose=0), expected.predict(X, verbose=0), 1e-5, 1e-6
    )


def test_rows_stay_where_a_chain_falls_apart():
    net = deep_net()
    model = raikeras.RelaxedModel(net)
    fit(model)
    before, ids = model.targets(np.arange(16)), np.arange(16)
    freeze(net)
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(X, Y, batch_size=8, verbose=0)
    assert [len(chain) for chain in model.relaxed.network.chains] == [2]
    for name, rows in model.targets(ids).items():
        np.testing.assert_allclose(rows, before[name], 1e-6, 1e-7)


def test_a_matching_loss_follows_the_activation():
    net = deep_net()
    model = raikeras.RelaxedModel(net, hidden_loss="matching")
    change_activation(net)
    fit(model)
    net.get_layer("d2").activation = keras.activations.gelu
    with pytest.raises(ValueError, match="`d2` has no matching loss"):
        fit(model)


def pop(net):
    net.pop()


def add(net):
    net.add(layers.Dense(1, name="new"))


def replace(net):
    net.pop()
    net.add(layers.Dense(1, name="new"))


def other_units(net):
    net.pop()
    net.add(layers.Dense(3, name="out"))


def quantize(net):
    net.get_layer("d1").quantize("int8")


def own_call(net):
    layer = net.get_layer("d1")
    layer.call = lambda inputs, training=None: 2.0 * layers.Dense.call(layer, inputs)


@pytest.mark.parametrize("before", [True, False], ids=["before fit", "after fit"])
@pytest.mark.parametrize(
    "change, words",
    [
        (pop, "gone.*out"),
        (add, "new.*new of shape"),
        (replace, "new.*new of shape.*gone.*out of shape"),
        (other_units, r"new.*out of shape \(3,\).*gone.*out of shape \(1,\)"),
        (quantize, "`d1`.*int8"),
        (own_call, "`d1`.*no single pre-activation"),
    ],
)
def test_other_layers_are_one_error_before_any_work(change, words, before):
    net = deep_net()
    model = raikeras.RelaxedModel(net)
    if before:
        model.compile("sgd", "mse")
    else:
        fit(model)
    change(net)
    weights = [number(weight) for weight in net.weights]
    data = {"inputs": X, "example_id": np.arange(16)}
    for call in (
        lambda: model.fit(X, Y, verbose=0),
        lambda: model.evaluate(X, Y, verbose=0),
        lambda: model.predict(X, verbose=0),
        lambda: model.train_on_batch(data, Y),
        lambda: model.test_on_batch(X, Y),
        lambda: model.predict_on_batch(X),
    ):
        with pytest.raises(ValueError, match=f"{CHANGED}.*{words}"):
            call()
    for weight, value in zip(net.weights, weights, strict=True):
        np.testing.assert_array_equal(number(weight), value)


def test_a_layer_that_is_not_relaxed_may_be_added():
    net = keras.Sequential([keras.Input((6,)), layers.Dense(4, "tanh"), layers.Dense(1)])
    model = raikeras.RelaxedModel(net)
    net.add(layers.Rescaling(2.0))
    fit(model)
    expected = net(X)
    np.testing.assert_allclose(model.predict(X, verbose=0), number(expected), 1e-5, 1e-6)


def test_an_optimizer_of_other_weights_is_named():
    net = deep_net()
    model = raikeras.RelaxedModel(net)
    fit(model)
    enable_lora(net)
    before = [number(weight) for weight in net.weights]
    with pytest.raises(ValueError, match="`compile` again.*does not know 7 of 9 variables"):
        fit(model, compiled=False)
    for weight, value in zip(net.weights, before, strict=True):
        np.testing.assert_array_equal(number(weight), value)


# Names


def test_models_share_no_variable_path():
    paths = []
    for _ in range(2):
        net = keras.Sequential(
            [keras.Input((6,)), *[layers.Dense(6, "tanh") for _ in range(3)], layers.Dense(1)]
        )
        model = raikeras.RelaxedModel(net, name="same")
        fit(model, epochs=1)
        with model._fused():
            own = [*model.variables, *(v for c in model.relaxed_columns for v in c.variables)]
            paths.append({variable.path for variable in own})
    assert not paths[0] & paths[1]
    assert any("store_targets" in path for path in paths[0])


def test_export_is_that_of_the_net(tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras exports a SavedModel from JAX by TensorFlow's own converter")
    import tensorflow as tf

    model = raikeras.RelaxedModel(deep_net())
    fit(model)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(X).numpy(), model.predict(X, verbose=0), 1e-5, 1e-6)
