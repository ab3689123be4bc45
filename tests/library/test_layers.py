"""`Relaxed` alone is the wrapped layer: outputs, training, weights, saving."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import raikeras
from raikeras.layers import Relaxed

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


def make_net(mark):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((3,)),
            mark(layers.Dense(5, "tanh", kernel_regularizer="l2", name="hidden")),
            mark(layers.BatchNormalization(name="norm")),
            layers.Dense(1, "sigmoid", name="out"),
        ]
    )


def plain(layer):
    return layer


def test_in_a_plain_model_it_trains_as_the_wrapped_layer():
    nets = [make_net(plain), make_net(Relaxed)]
    for net in nets:
        net.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    histories = [net.fit(X, Y, batch_size=5, epochs=3, shuffle=False, verbose=0) for net in nets]
    assert histories[0].history.keys() == histories[1].history.keys()
    for key, values in histories[0].history.items():
        np.testing.assert_allclose(histories[1].history[key], values, rtol=1e-6)
    for ours, theirs in zip(nets[1].get_weights(), nets[0].get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
    assert nets[0].count_params() == nets[1].count_params()
    assert len(nets[0].losses) == len(nets[1].losses) == 1


def test_call_arguments_are_handed_on():
    layer = Relaxed(layers.Dropout(0.5, seed=0))
    x = np.ones((100, 10), "float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x, training=False)), x)
    dropped = ops.convert_to_numpy(layer(x, training=True))
    assert set(np.unique(dropped)) == {0.0, 2.0}


def test_shapes_are_those_of_the_wrapped_layer():
    wrapped = layers.Conv2D(3, 3)
    assert Relaxed(wrapped).compute_output_shape((None, 8, 8, 2)) == (None, 6, 6, 3)
    layer = Relaxed(layers.Dense(4))
    assert not layer.built
    assert layer(X).shape == (12, 4)
    assert layer.built and layer.layer.built


def test_a_saved_net_loads_with_its_marks(tmp_path):
    net = make_net(Relaxed)
    net.compile("sgd", "binary_crossentropy")
    net.fit(X, Y, verbose=0)
    net.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), net.predict(X, verbose=0), rtol=1e-6)
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in net.layers]
    model = raikeras.RelaxedModel(again, relax=Relaxed)
    model.compile("sgd", "binary_crossentropy")
    model.fit(X, Y, verbose=0)
    assert {name: rows.shape for name, rows in model.targets([0, 1]).items()} == {
        "hidden": (2, 5),
        "norm": (2, 5),
    }


def test_marks_relax_the_same_layers_as_their_names():
    """The same steps from marks as from names, and none of them from relax=()."""
    losses = []
    for mark, relax in ((Relaxed, Relaxed), (plain, ["hidden", "norm"]), (Relaxed, ())):
        model = raikeras.RelaxedModel(make_net(mark), relax=relax)
        model.compile(keras.optimizers.SGD(0.2), "binary_crossentropy")
        history = model.fit(X, Y, batch_size=12, epochs=4, shuffle=False, verbose=0).history
        losses.append(history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    assert losses[2] != pytest.approx(losses[0], rel=1e-3)


def test_only_layers_can_be_marked():
    with pytest.raises((TypeError, ValueError, AssertionError)):
        Relaxed("dense")
