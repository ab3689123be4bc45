"""LocoProp-S and -M: against backprop, against NumPy, and the published notebook's steps."""

import keras
import numpy as np
import pytest
from keras import layers

import raikeras
from raikeras import presets
from raikeras.losses import HalfSquaredError, MatchingLoss

SGD = keras.optimizers.SGD
RNG = np.random.default_rng(0)
X = RNG.uniform(size=(20, 6)).astype("float32")
PRESETS = {"S": presets.locoprop_s, "M": presets.locoprop_m}
ACTIVATIONS = ("tanh", "linear", "sigmoid")


def autoencoder():
    """6-5-3-6: tanh, linear, sigmoid, as the notebook's but for its size."""
    keras.utils.set_random_seed(0)
    units = zip((5, 3, 6), ACTIVATIONS, strict=True)
    dense = [
        layers.Dense(n, a, bias_initializer=keras.initializers.RandomNormal(stddev=0.3))
        for n, a in units
    ]
    return keras.Sequential([keras.Input((6,)), *dense])


def summed_cross_entropy(y_true, y_pred):
    """Summed over outputs; Keras takes the mean over examples."""
    return 6 * keras.losses.binary_crossentropy(y_true, y_pred)


def train(preset, optimizer, batch_size=20, epochs=1, **settings):
    net = autoencoder()
    model = PRESETS[preset](net, summed_cross_entropy, optimizer, deployed_every=0, **settings)
    model.fit(X, X, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0)
    return net.get_weights()


@pytest.mark.parametrize("preset", PRESETS)
def test_one_local_step_is_backprop_with_the_product_of_the_rates(preset):
    found = train(preset, SGD(0.4), step_size=0.5, weight_step=raikeras.Local(1))
    plain = autoencoder()
    start = plain.get_weights()
    plain.compile(SGD(0.4 * 0.5), summed_cross_entropy)
    plain.fit(X, X, batch_size=20, verbose=0)
    for new, wanted, old in zip(found, plain.get_weights(), start, strict=True):
        assert np.abs(new - old).max() > 1e-3
        np.testing.assert_allclose(new, wanted, rtol=1e-6, atol=5e-7)


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size", "mean_with_sample_weight"])
@pytest.mark.parametrize("preset", PRESETS)
def test_one_local_step_is_backprop_with_sample_weights_too(preset, reduction):
    """An example's weight counts once, whatever the reductions; one of them is zero."""
    weights = RNG.uniform(0.2, 3, 20).astype("float32")
    weights[3] = 0
    loss = {"S": HalfSquaredError, "M": MatchingLoss}[preset](reduction=reduction)
    net, plain = autoencoder(), autoencoder()
    start = plain.get_weights()
    settings = {"step_size": 0.25, "weight_step": raikeras.Local(1), "hidden_loss": loss}
    model = PRESETS[preset](net, summed_cross_entropy, SGD(0.4), deployed_every=0, **settings)
    model.fit(X, X, sample_weight=weights, batch_size=20, verbose=0)
    plain.compile(SGD(0.1), summed_cross_entropy)
    plain.fit(X, X, sample_weight=weights, batch_size=20, verbose=0)
    for new, wanted, old in zip(net.get_weights(), plain.get_weights(), start, strict=True):
        assert np.abs(wanted - old).max() > 1e-3
        np.testing.assert_allclose(new, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("preset", PRESETS)
def test_one_local_step_is_backprop_for_convolutions_too(preset):
    def net():
        keras.utils.set_random_seed(1)
        return keras.Sequential(
            [
                keras.Input((6, 6, 2)),
                layers.Conv2D(3, 3, activation="tanh"),
                layers.Conv2D(2, 2, strides=2, activation="sigmoid"),
                layers.Flatten(),
                layers.Dense(4, "softmax"),
            ]
        )

    x = RNG.normal(size=(8, 6, 6, 2)).astype("float32")
    y = keras.utils.to_categorical(np.arange(8) % 4)
    for reduction, factor in (("sum", 1), ("sum_over_batch_size", 1)):
        loss = {"S": HalfSquaredError, "M": MatchingLoss}[preset](reduction=reduction)
        relaxed, plain = net(), net()
        settings = {"step_size": 0.2, "weight_step": raikeras.Local(1), "hidden_loss": loss}
        model = PRESETS[preset](
            relaxed, "categorical_crossentropy", SGD(0.5), deployed_every=0, **settings
        )
        model.fit(x, y, batch_size=8, verbose=0)
        plain.compile(SGD(0.1 * factor), "categorical_crossentropy")
        plain.fit(x, y, batch_size=8, verbose=0)
        for new, wanted in zip(relaxed.get_weights(), plain.get_weights(), strict=True):
            np.testing.assert_allclose(new, wanted, rtol=1e-5, atol=1e-6, err_msg=reduction)


def forward(weights, x):
    """Inputs and pre-activations of the three layers."""
    inputs, a = [x], []
    for t, activation in enumerate((np.tanh, lambda a: a, lambda a: 1 / (1 + np.exp(-a)))):
        a.append(inputs[t] @ weights[2 * t] + weights[2 * t + 1])
        inputs.append(activation(a[t]))
    return inputs, a


def loss_gradients(weights, x):
    """Of the cross-entropy, summed over outputs, mean over examples, by the pre-activations."""
    inputs, a = forward(weights, x)
    last = (inputs[3] - x) / len(x)
    middle = last @ weights[4].T
    first = middle @ weights[2].T * (1 - inputs[1] ** 2)
    return inputs, a, [first, middle, last]


class RMSprop:
    """In NumPy, with momentum; epsilon inside the root."""

    def __init__(self, weights, rate, rho, momentum, epsilon):
        self.settings = rate, rho, momentum, epsilon
        self.squares = [np.zeros_like(w) for w in weights]
        self.speeds = [np.zeros_like(w) for w in weights]

    def step(self, weights, gradients, factor):
        rate, rho, momentum, epsilon = self.settings
        for k, gradient in gradients.items():
            self.squares[k] = rho * self.squares[k] + (1 - rho) * gradient**2
            change = factor * rate * gradient / np.sqrt(self.squares[k] + epsilon)
            self.speeds[k] = momentum * self.speeds[k] + change
            weights[k] = weights[k] - self.speeds[k]


def notebook(kind, weights, batches, step_size, steps, optimizer, in_sequence=False, proximal=None):
    """LocoProp by hand: targets from the old network, every layer `steps` local steps."""
    for x in batches:
        inputs, a, by_a = loss_gradients(weights, x)
        start = [w.copy() for w in weights]
        outputs = inputs[1:]
        before = a if kind == "S" else outputs
        targets = [value - step_size * g for value, g in zip(before, by_a, strict=True)]
        if kind == "M":  # nothing of the rule that clips is met here
            assert np.abs(targets[0]).max() <= 1 and 0 <= targets[2].min() <= targets[2].max() <= 1
        for t in range(3):
            fed = forward(weights, x)[0][t] if in_sequence else inputs[t]
            for i in range(steps):
                own = fed @ weights[2 * t] + weights[2 * t + 1]
                if kind == "M":
                    own = (np.tanh(own), own, 1 / (1 + np.exp(-own)))[t]
                error = own - targets[t]
                gradients = {2 * t: fed.T @ error, 2 * t + 1: error.sum(axis=0)}
                if proximal and i:
                    for k in gradients:
                        gradients[k] = gradients[k] + (weights[k] - start[k]) / proximal
                optimizer.step(weights, gradients, max(1 - i / steps, 0.25))
    return weights


@pytest.mark.parametrize("in_sequence", [False, True])
@pytest.mark.parametrize("preset", PRESETS)
def test_the_notebooks_steps_are_those_of_numpy(preset, in_sequence):
    """RMSprop with momentum, its state kept from batch to batch, a falling local rate."""
    settings = {"rho": 0.9, "momentum": 0.9, "epsilon": 1e-5}
    found = train(
        preset,
        keras.optimizers.RMSprop(2e-3, **settings),
        batch_size=10,
        epochs=3,
        step_size=0.5,
        weight_step=raikeras.Local(5, lowest_rate=0.25, in_sequence=in_sequence),
    )
    start = autoencoder().get_weights()
    weights = [np.array(w, "float64") for w in start]
    optimizer = RMSprop(weights, 2e-3, **settings)
    batches = [X[:10].astype("float64"), X[10:].astype("float64")] * 3
    expected = notebook(preset, weights, batches, 0.5, 5, optimizer, in_sequence)
    for new, wanted, old in zip(found, expected, start, strict=True):
        assert np.abs(wanted - old).max() > 1e-2
        np.testing.assert_allclose(new, wanted, rtol=2e-4, atol=2e-5)


def test_in_sequence_differs_and_counts_steps_once():
    parallel = train("M", SGD(0.1), step_size=0.5, weight_step=raikeras.Local(5))
    sequence = train("M", SGD(0.1), step_size=0.5, weight_step=raikeras.Local(5, in_sequence=True))
    np.testing.assert_allclose(sequence[0], parallel[0], rtol=1e-5, atol=1e-6)
    assert np.abs(sequence[2] - parallel[2]).max() > 1e-4
    model = presets.locoprop_m(
        autoencoder(), weight_step=raikeras.Local(5, in_sequence=True), deployed_every=0
    )
    model.fit(X, X, batch_size=10, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 20


def test_layers_of_a_nested_model_follow_in_order():
    """The same net, flat and nested."""
    found = []
    for nested in (False, True):
        keras.utils.set_random_seed(0)
        dense = [layers.Dense(n, a) for n, a in zip((5, 3, 6), ACTIVATIONS, strict=True)]
        inner = [keras.Sequential([keras.Input((6,)), *dense[:2]])] if nested else dense[:2]
        net = keras.Sequential([keras.Input((6,)), *inner, dense[2]])
        for number, layer in enumerate(dense):
            rng = np.random.default_rng(number)
            layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
        model = presets.locoprop_s(
            net, summed_cross_entropy, SGD(0.05), step_size=0.5, deployed_every=0,
            weight_step=raikeras.Local(3, in_sequence=True),
        )  # fmt: skip
        assert model.relaxed.network.layers == dense
        model.fit(X, X, batch_size=20, verbose=0)
        found.append([w for layer in dense for w in layer.get_weights()])
    for flat, deep in zip(*found, strict=True):
        np.testing.assert_allclose(deep, flat, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("preset", PRESETS)
def test_xla_compiles_the_steps_of_a_chain(preset):
    found = []
    for jit_compile in (True, False):
        keras.utils.set_random_seed(0)
        hidden = [layers.Dense(6, "tanh") for _ in range(4)]
        net = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(6, "sigmoid")])
        settings = {"step_size": 0.5, "deployed_every": 0}
        model = PRESETS[preset](net, summed_cross_entropy, SGD(0.05), **settings)
        model.compile(SGD(0.05), summed_cross_entropy, jit_compile=jit_compile)
        model.fit(X, X, batch_size=10, shuffle=False, verbose=0)
        found.append(net.get_weights())
    for compiled, plain in zip(*found, strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-5, atol=1e-6)


def test_in_sequence_needs_layers_that_are_fed_by_the_network():
    model = raikeras.RelaxedModel(autoencoder(), weight_step=raikeras.Local(2, in_sequence=True))
    model.compile(SGD(0.1), summed_cross_entropy)
    with pytest.raises(ValueError, match="needs a target rule that feeds.*targets=Learned"):
        model.fit(X, X, batch_size=20, verbose=0)


def test_a_small_local_problem_of_m_is_convex():
    """The Hessian of its loss by the weights, by differences of gradients in NumPy, is that of
    sum_n f'(a_n) x_n x_n' >= 0."""
    x, target = RNG.normal(size=(7, 2)), RNG.uniform(-0.9, 0.9, size=(7, 1))

    def gradient(w):
        keras_x = keras.ops.convert_to_tensor(x.astype("float32"))
        loss = MatchingLoss("tanh", reduction="sum")

        def value(weights):
            own = keras.ops.matmul(keras_x, weights)
            return loss(keras.ops.convert_to_tensor(target.astype("float32")), own)

        from raikeras.backend import load_backend

        found = load_backend().gradient(value, keras.ops.convert_to_tensor(w.astype("float32")))
        return keras.ops.convert_to_numpy(found)[:, 0]

    for _ in range(5):
        w, h = RNG.normal(size=(2, 1)), 1e-2
        columns = [
            (gradient(w + h * e[:, None]) - gradient(w - h * e[:, None])) / (2 * h)
            for e in np.eye(2)
        ]
        hessian = np.stack(columns)
        slopes = 1 - np.tanh(x @ w) ** 2
        np.testing.assert_allclose(hessian, (slopes * x).T @ x, rtol=2e-2, atol=2e-3)
        assert np.linalg.eigvalsh((hessian + hessian.T) / 2).min() > -1e-3


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
@pytest.mark.parametrize(
    "rule",
    [raikeras.Learned(), raikeras.Inferred(3, 0.05), raikeras.Gradient(0.5)],
    ids=lambda rule: type(rule).__name__,
)
def test_matching_is_a_hidden_loss_in_every_rule(rule, at):
    net = autoencoder()
    model = raikeras.RelaxedModel(net, targets=rule, at=at, hidden_loss="matching")
    model.compile(keras.optimizers.Adam(1e-2), summed_cross_entropy)
    history = model.fit(X, X, batch_size=20, epochs=30, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["deployed_loss"][-1] < history["deployed_loss"][0]
    config = model.get_config()
    again = raikeras.RelaxedModel.from_config(config)
    assert again.get_config()["hidden_loss"] == config["hidden_loss"]


def test_learned_targets_start_without_a_mismatch_under_matching_losses():
    """Rprop reads signs: where rows have just started there must be no noise to read."""
    for at in ("pre_activation", "post_activation"):
        net = autoencoder()
        start = net.get_weights()
        model = raikeras.RelaxedModel(net, at=at, hidden_loss="matching", deployed_every=0)
        model.compile(raikeras.optimizers.Rprop(0.1), summed_cross_entropy)
        model.fit(X, X, batch_size=20, verbose=0)
        for old, new in zip(start, net.get_weights(), strict=True):
            np.testing.assert_array_equal(new, old)


def test_chains_of_equal_layers_match_layers_one_by_one():
    found = []
    for fuse in (True, False):
        keras.utils.set_random_seed(0)
        hidden = [layers.Dense(6, "tanh") for _ in range(4)]
        net = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(6, "sigmoid")])
        settings = {"step_size": 0.5, "fuse": fuse, "deployed_every": 0}
        model = presets.locoprop_m(net, summed_cross_entropy, SGD(0.05), **settings)
        model.fit(X, X, batch_size=10, epochs=2, shuffle=False, verbose=0)
        found.append(net.get_weights())
    for fused, apart in zip(*found, strict=True):
        np.testing.assert_allclose(fused, apart, rtol=1e-5, atol=1e-6)


def test_targets_outside_the_range_count_as_its_end():
    """A huge step size: every target is clipped, and training stays finite.

    Beyond it the linear code layer, whose targets have no range, grows until the guard stops it.
    """
    weights = train("M", SGD(0.01), epochs=5, step_size=1e4)
    assert all(np.isfinite(w).all() for w in weights)


def test_an_activation_without_a_matching_loss_is_refused_by_layer():
    net = keras.Sequential([keras.Input((2,)), layers.Dense(3, "gelu", name="bump")])
    with pytest.raises(ValueError, match="Layer `bump` has no matching loss.*decreases below"):
        raikeras.RelaxedModel(net, hidden_loss="matching")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"lowest_rate": 0.0}, "`lowest_rate` must be a positive float"),
        ({"lowest_rate": 1.5}, "`lowest_rate` must be at most 1. Received: lowest_rate=1.5"),
        ({"in_sequence": 1}, "`in_sequence` must be True or False. Received: in_sequence=1"),
    ],
)
def test_a_bad_setting_of_local_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        raikeras.Local(3, **settings)
    with pytest.raises(ValueError, match="`step_size` must be a positive float"):
        presets.locoprop_s(autoencoder(), step_size=0.0)


def test_local_survives_its_config():
    local = raikeras.Local(5, 0.5, lowest_rate=0.25, in_sequence=True)
    assert raikeras.Local.from_config(local.get_config()).get_config() == local.get_config()
