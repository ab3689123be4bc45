"""The isometric start, and Depth-muP: kernels, biases and scales; signals that keep their size."""

import keras
import numpy as np
import pytest

import raikeras
from raikeras.initializers import depth_mup, isometric_start

# The slope is a finite difference in float32.
SLOPE = 3e-4
X = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


def make_net(depth, width=20, activation="sigmoid", **settings):
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(width, activation, **settings) for _ in range(depth)]
    return keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1, "sigmoid")])


def spread(net, depth):
    """Per hidden layer the standard deviation over examples, averaged over units."""
    values = keras.Model(net.inputs, [layer.output for layer in net.layers[:depth]])
    return [float(np.std(value, axis=0).mean()) for value in values.predict(X, verbose=0)]


@pytest.mark.parametrize("activation, slope", [("sigmoid", 0.25), ("tanh", 1.0)])
def test_kernels_are_orthogonal_and_scaled_by_the_slope_of_what_feeds_them(activation, slope):
    net = isometric_start(make_net(4, activation=activation), gain=1.1, seed=0)
    first, *hidden, last = [layer.get_weights()[0].astype("float64") for layer in net.layers]
    np.testing.assert_allclose(first @ first.T, 36 * np.eye(2), atol=1e-4)
    scale = (1.1 / slope) ** 2
    for kernel in hidden:
        np.testing.assert_allclose(kernel.T @ kernel, scale * np.eye(20), atol=SLOPE * scale)
    np.testing.assert_allclose(last.T @ last, [[scale]], rtol=SLOPE)


@pytest.mark.parametrize("activation, at_zero", [("sigmoid", 0.5), ("tanh", 0.0)])
def test_biases_take_away_the_answer_to_the_value_at_zero(activation, at_zero):
    net = isometric_start(make_net(4, activation=activation), seed=0)
    first, *others = [layer.get_weights() for layer in net.layers]
    assert np.abs(first[1]).max() <= 2 and np.std(first[1]) > 0.5
    for kernel, bias in others:
        np.testing.assert_allclose(bias, -at_zero * kernel.sum(axis=0), atol=1e-5)


@pytest.mark.parametrize("activation, slope", [("sigmoid", 0.25), ("tanh", 1.0)])
def test_a_small_signal_grows_by_the_gain_in_each_layer(activation, slope):
    """Directional finite differences of one layer around pre-activations of zero."""
    net = isometric_start(make_net(2, activation=activation), gain=1.2, seed=0)
    kernel, bias = net.layers[1].get_weights()
    function = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh}[activation]
    direction = np.random.default_rng(1).normal(size=20)
    step = 1e-4 * direction / np.linalg.norm(direction)
    at_zero, beside = (function(z) @ kernel + bias for z in (np.zeros(20), step))
    np.testing.assert_allclose(at_zero, 0, atol=1e-5)
    assert np.linalg.norm(beside - at_zero) / 1e-4 == pytest.approx(1.2, rel=1e-3)


def test_default_gain_falls_with_the_depth():
    for depth, gain in ((3, 1.25), (150, 1.2)):
        net = isometric_start(make_net(depth - 1, width=3), seed=0)
        kernel = net.layers[-2].get_weights()[0]
        assert np.linalg.norm(kernel, 2) == pytest.approx(4 * gain, rel=SLOPE)


def test_the_signal_survives_60_sigmoid_layers_where_keras_default_loses_it():
    net = make_net(60)
    default = spread(net, 60)
    isometric = spread(isometric_start(net, seed=0), 60)
    assert default[-1] < 1e-4 * default[0]
    assert isometric[-1] > 0.2 * isometric[0]


def test_narrow_and_wide_layers_keep_orthogonal_rows_or_columns():
    net = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(9, "tanh"), keras.layers.Dense(4, "tanh")]
    )
    wide, narrow = [layer.get_weights()[0] for layer in isometric_start(net, 1.0, seed=3).layers]
    np.testing.assert_allclose(wide @ wide.T, 36 * np.eye(5), atol=1e-4)
    np.testing.assert_allclose(narrow.T @ narrow, np.eye(4), atol=SLOPE)


def test_the_draw_is_repeatable_and_the_net_is_returned():
    net = make_net(3)
    assert isometric_start(net, seed=7) is net
    weights = net.get_weights()
    again = isometric_start(make_net(3), seed=7).get_weights()
    for ours, theirs in zip(again, weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    other = isometric_start(make_net(3), seed=8).get_weights()
    assert all((a != b).any() for a, b in zip(other, weights, strict=True))


def test_global_random_state_is_left_alone():
    keras.utils.set_random_seed(5)
    expected = np.random.normal(size=3)
    net = make_net(2)
    keras.utils.set_random_seed(5)
    isometric_start(net)
    np.testing.assert_array_equal(np.random.normal(size=3), expected)


def test_layers_without_bias_and_other_layers_are_left_as_they_are():
    net = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(6, "tanh", use_bias=False),
            keras.layers.LayerNormalization(),
            keras.layers.Dense(1),
        ]
    )
    before = net.layers[1].get_weights()
    isometric_start(net, seed=0)
    for ours, theirs in zip(net.layers[1].get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    kernel = net.layers[0].get_weights()[0]
    np.testing.assert_allclose(kernel @ kernel.T, 36 * np.eye(2), atol=1e-4)


def test_nets_it_cannot_start_and_bad_gains_are_named():
    with pytest.raises(ValueError, match="`net` must have Dense layers.*0 Dense layers"):
        isometric_start(keras.Sequential([keras.Input((2,)), keras.layers.LayerNormalization()]))
    with pytest.raises(ValueError, match="`net`.*built"):
        isometric_start(keras.Sequential([keras.layers.Dense(2)]))
    for gain in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=f"`gain` must be positive.*gain={gain}"):
            isometric_start(make_net(2), gain=gain)


# Residual nets


def residual_net(depth, units=16, inputs=8, activation="tanh", use_bias=True):
    start = keras.Input((inputs,))
    value = keras.layers.Rescaling(1.0)(keras.layers.Dense(units, use_bias=use_bias)(start))
    for _ in range(depth):
        branch = keras.layers.Dense(units, use_bias=use_bias)(
            keras.layers.Activation(activation)(value)
        )
        value = keras.layers.Add()([value, keras.layers.Rescaling(1.0)(branch)])
    output = keras.layers.Dense(3, use_bias=use_bias)(keras.layers.Activation(activation)(value))
    return keras.Model(start, keras.layers.Rescaling(1.0)(output))


def test_depth_mup_sets_what_it_documents():
    net = residual_net(5)
    dense = [layer for layer in net.layers if isinstance(layer, keras.layers.Dense)]
    for layer in dense:
        layer.bias.assign(np.ones(layer.units))
    assert depth_mup(net, seed=0) is net
    scales = [layer.scale for layer in net.layers if isinstance(layer, keras.layers.Rescaling)]
    np.testing.assert_allclose(scales, [8**-0.5, *[(16 * 7) ** -0.5] * 5, 1 / 16])
    drawn = np.concatenate([layer.kernel.numpy().ravel() for layer in dense])
    assert abs(drawn.mean()) < 0.1 and abs(drawn.std() - 1) < 0.1
    assert all((layer.bias.numpy() == 0).all() for layer in dense)
    other = depth_mup(residual_net(5), seed=0)
    for one, two in zip(net.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_scales_are_saved_with_the_net(tmp_path):
    net = depth_mup(residual_net(3), seed=0)
    net.save(tmp_path / "net.keras")
    x = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
    again = keras.saving.load_model(tmp_path / "net.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), net.predict(x, verbose=0))


def test_a_relaxed_model_that_has_run_notices_new_scales():
    net = residual_net(3)
    model = raikeras.RelaxedModel(net, relax=keras.layers.Add)
    x = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
    model.predict(x, verbose=0)
    depth_mup(net, seed=0)
    expected = keras.ops.convert_to_numpy(net(x))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("units, activation", [(32, "tanh"), (32, "relu"), (512, "tanh")])
def test_signals_and_gradients_keep_their_size_through_128_blocks(units, activation):
    """By NumPy, from the weights and scales that were set."""
    net = depth_mup(residual_net(128, units, 64, activation, use_bias=False), seed=1)
    scales = [layer.scale for layer in net.layers if isinstance(layer, keras.layers.Rescaling)]
    first, *hidden, last = net.get_weights()
    x, rng = np.random.default_rng(0).normal(size=(16, 64)), np.random.default_rng(2)
    f = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[activation]
    slope = {"tanh": lambda z: 1 - np.tanh(z) ** 2, "relu": lambda z: (z > 0) + 0.0}[activation]
    values = [scales[0] * x @ first]
    for scale, kernel in zip(scales[1:-1], hidden, strict=True):
        values.append(values[-1] + scale * f(values[-1]) @ kernel)
    sizes = np.array([value.std() for value in values])
    assert 0.8 < sizes.min() and sizes.max() < 1.6
    output = scales[-1] * f(values[-1]) @ last
    assert output.std() < 3 / np.sqrt(units)
    backward = scales[-1] * rng.normal(size=output.shape) @ last.T * slope(values[-1])
    norms = []
    for scale, kernel, value in zip(scales[-2:0:-1], hidden[::-1], values[-2::-1], strict=True):
        norms.append(scale * np.linalg.norm(f(value).T @ backward))
        backward = backward + scale * (backward @ kernel.T) * slope(value)
    assert 0.5 < norms[-1] / norms[0] < 2  # the first block's gradient by the last one's
    assert max(norms) / min(norms) < 2


def without_scale():
    start = keras.Input((8,))
    value = keras.layers.Rescaling(1.0)(keras.layers.Dense(16)(start))
    for _ in range(2):
        branch = keras.layers.Dense(16)(keras.layers.Activation("tanh")(value))
        value = keras.layers.Add()([value, branch])
    return keras.Model(start, keras.layers.Rescaling(1.0)(keras.layers.Dense(3)(value)))


def shared_scale():
    start, scale = keras.Input((8,)), keras.layers.Rescaling(1.0)
    value = scale(keras.layers.Dense(8)(start))
    for _ in range(2):
        value = keras.layers.Add()([value, scale(keras.layers.Dense(8)(value))])
    return keras.Model(start, keras.layers.Rescaling(1.0)(keras.layers.Dense(3)(value)))


def activated_output():
    net = residual_net(2)
    net.layers[-2].activation = keras.activations.softmax
    return net


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: make_net(3), "4 Dense layers, 0 of them in blocks.*0 of them followed"),
        (without_scale, r"4 Dense layers, 2 of them in blocks, of units \[16\], and 2 of them"),
        (shared_scale, "4 Dense layers, 2 of them in blocks"),
        (activated_output, "4 Dense layers, 2 of them in blocks"),
    ],
)
def test_depth_mup_says_what_a_net_must_be(build, words):
    with pytest.raises(ValueError, match=f"linear Dense layer, residual blocks.*{words}"):
        depth_mup(build())
