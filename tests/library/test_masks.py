"""Masks, which Keras hands along beside the tensors, arrive where plain Keras has them."""

import keras
import numpy as np
import pytest
from backprop import as_backprop, assert_trains_as_keras, number
from keras import layers

import raikeras

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(16, 6)).astype("float32")
ROWS[::3] = 0  # masked examples
SEQUENCES = RNG.normal(size=(16, 4, 6)).astype("float32")
SEQUENCES[:, 2:][::2] = 0  # masked time steps
WORDS = RNG.integers(0, 4, size=(16, 4))
Y6 = RNG.normal(size=(16, 6)).astype("float32")
Y46 = RNG.normal(size=(16, 4, 6)).astype("float32")


def equal_layers(count=3):
    return [layers.Dense(6, "tanh") for _ in range(count)]


def one_chain():
    return keras.Sequential([keras.Input((6,)), layers.Masking(), *equal_layers()])


def two_chains_and_a_branch():
    inputs = keras.Input((6,))
    first = keras.Sequential([layers.Masking(), *equal_layers()])(inputs)
    second = first
    for layer in equal_layers(2):
        second = layer(second)
    return keras.Model(inputs, layers.Add()([first, second]))


def chain_in_a_nested_model():
    inner = keras.Sequential([keras.Input((6,)), *equal_layers()])
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(6)(inner(layers.Masking()(inputs))))


def dense_on_sequences():
    return keras.Sequential(
        [keras.Input((4, 6)), layers.Masking(), *equal_layers(2), layers.LSTM(6), *equal_layers(2)]
    )


def sequences_to_the_loss():
    return keras.Sequential([keras.Input((4, 6)), layers.Masking(), *equal_layers(2)])


def embedding():
    return keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            layers.Embedding(4, 6, mask_zero=True),
            layers.Dense(6, "tanh"),
            layers.GlobalAveragePooling1D(),
            *equal_layers(),
        ]
    )


CASES = {
    "one chain": (one_chain, ROWS, Y6),
    "two chains": (two_chains_and_a_branch, ROWS, Y6),
    "nested": (chain_in_a_nested_model, ROWS, Y6),
    "sequences": (dense_on_sequences, SEQUENCES, Y6),
    "to the loss": (sequences_to_the_loss, SEQUENCES, Y46),
    "embedding": (embedding, WORDS, Y6),
}


# Keras' own of a nested Sequential, whose layers do hand the mask on.
@pytest.mark.filterwarnings("ignore:Layer 'sequential")
@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
@pytest.mark.parametrize("case", CASES)
def test_a_mask_acts_as_in_plain_keras(case, at):
    assert_trains_as_keras(*CASES[case], wrap=lambda net: as_backprop(net, at=at))


def test_a_fused_chain_is_masked_as_its_layers_one_by_one():
    for rule in (raikeras.Learned, lambda: raikeras.Inferred(2, 0.1)):
        found = []
        for fuse in (True, False):
            keras.utils.set_random_seed(0)
            model = raikeras.RelaxedModel(one_chain(), targets=rule(), fuse=fuse)
            model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["mae"])
            logs = model.fit(ROWS, Y6, epochs=2, batch_size=8, shuffle=False, verbose=0).history
            logs["evaluated"] = model.evaluate(ROWS, Y6, verbose=0)
            logs["net"] = model.net.evaluate(ROWS, Y6, verbose=0) if model.net.compiled else []
            found.append((logs, model.get_weights()))
        (fused, weights), (apart, expected) = found
        for key in apart:
            np.testing.assert_allclose(fused[key], apart[key], 1e-5, err_msg=key)
        for one, other in zip(weights, expected, strict=True):
            np.testing.assert_allclose(one, other, 1e-5, 1e-6)


@pytest.mark.parametrize("fuse", [True, False])
def test_evaluate_is_that_of_the_net_under_a_mask(fuse):
    keras.utils.set_random_seed(0)
    net = one_chain()
    net.compile("sgd", "mse")
    model = raikeras.RelaxedModel(net, fuse=fuse)
    model.compile("sgd", "mse")
    assert model.evaluate(ROWS, Y6, verbose=0) == pytest.approx(net.evaluate(ROWS, Y6, verbose=0))


def test_a_marked_layer_sees_and_hands_on_the_mask():
    keras.utils.set_random_seed(0)
    lstm = layers.LSTM(3, return_sequences=True)
    plain = keras.Sequential([keras.Input((4, 6)), layers.Masking(), lstm, layers.LSTM(2)])
    marked = keras.Sequential(
        [keras.Input((4, 6)), plain.layers[0], raikeras.layers.Relaxed(lstm), plain.layers[2]]
    )
    np.testing.assert_array_equal(number(marked(SEQUENCES)), number(plain(SEQUENCES)))
    raikeras.RelaxedModel(marked, relax=raikeras.layers.Relaxed, at="post_activation")


def test_a_net_with_alphas_hands_on_its_masks():
    net = keras.Sequential(
        [keras.Input((4, 6)), layers.Masking(), layers.Dense(6), raikeras.layers.ReLUAlpha()]
    )
    for model in (net, raikeras.layers.AlphaNorm(net, 0.0)):
        model.compile("sgd", "mse")
    found = [model.evaluate(SEQUENCES, Y46, verbose=0) for model in (net, model)]
    assert found[1] == pytest.approx(found[0])
