"""Chains of equal Dense layers train as one, with the numbers of layer by layer."""

import concurrent.futures
import json
import os
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers

import raikeras
from raikeras.network import chain as chains
from raikeras.network.find_chains import reason_not_stackable
from raikeras.network.relaxed_network import RelaxedNetwork
from raikeras.network.select_layers import choose_layers
from tests.library.keras_optimizers import skip_if_broken

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = (X[:, :1] * X[:, 1:2] > 0).astype("float32")
WEIGHTS = RNG.uniform(0.5, 2, size=24).astype("float32")
ACTIVATIONS = ["linear", "relu", "leaky_relu", "sigmoid", "softmax", "tanh", "softplus", "elu"] + [
    "silu",
    "gelu",
    "selu",
    "softsign",
    "hard_sigmoid",
    "exponential",
]


def growing(step):
    return 0.1 * (keras.ops.cast(step, "float32") + 1)


def net(activation="tanh", depth=4, **settings):
    keras.utils.set_random_seed(1)
    hidden = [layers.Dense(5, activation, name=f"hidden_{n}", **settings) for n in range(depth)]
    return keras.Sequential([keras.Input((3,)), *hidden, layers.Dense(1, "sigmoid", name="out")])


def train(fuse, build=net, optimizer=None, validate=False, count=24, **settings):
    """Twenty-four steps in batches of 4; of 23 examples the last one of an epoch has 3."""
    model = raikeras.RelaxedModel(build(), fuse=fuse, **settings)
    optimizer = keras.optimizers.SGD(0.05, momentum=0.9) if optimizer is None else optimizer()
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(
        X[:count],
        Y[:count],
        sample_weight=WEIGHTS[:count],
        batch_size=4,
        epochs=4,
        shuffle=False,
        verbose=0,
        validation_data=(X, Y) if validate else None,
    )
    return model, history.history


def assert_equal(build=net, tolerance=1e-5, **settings):
    """Fused and layer by layer: weights, rows and every column of the history."""
    (one, logs_one), (many, logs_many) = (train(fuse, build, **settings) for fuse in (True, False))
    assert any(chain.layers for chain in one.relaxed.network.chains)
    pairs = list(zip(one.net.get_weights(), many.net.get_weights(), strict=True))
    if one.store is not None:
        rows_one, rows_many = (
            model.targets(np.arange(model.store.num_examples)) for model in (one, many)
        )
        pairs += zip(rows_one.values(), rows_many.values(), strict=True)
    pairs += [(np.array(logs_one[name]), np.array(logs_many[name])) for name in logs_many]
    for one, other in pairs:
        scale = max(1.0, np.abs(other).max())
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


# The same numbers


def side_by_side(many):
    """A chain of three layers for each of the settings, all fed by the inputs."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    ends = []
    for settings in many:
        end = layers.Dense(5, "tanh")(inputs)
        for _ in range(3):
            end = layers.Dense(5, **{"activation": "tanh", **settings})(end)
        ends.append(end)
    outputs = layers.Dense(1, "sigmoid")(layers.Concatenate()(ends))
    return keras.Model(inputs, outputs)


def test_fused_equals_layer_by_layer_for_every_activation():
    small = keras.initializers.RandomNormal(stddev=0.1, seed=3)  # exp(exp(exp(x))) grows fast
    settings = [{"activation": name, "kernel_initializer": small} for name in ACTIVATIONS]
    chains = side_by_side(settings)
    network = RelaxedNetwork(chains, choose_layers(chains, layers.Dense), "pre_activation")
    assert len(network.chains) == len(ACTIVATIONS)
    assert_equal(
        lambda: side_by_side(settings),
        optimizer=lambda: keras.optimizers.SGD(0.005, momentum=0.9),
    )


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
def test_fused_equals_layer_by_layer_with_layer_settings(at):
    settings = [
        {"kernel_regularizer": "l2", "bias_regularizer": keras.regularizers.L1L2(0.01, 0.02)},
        {"kernel_constraint": "non_neg", "bias_constraint": "non_neg"},
        {"use_bias": False},
    ]
    assert_equal(lambda: side_by_side(settings), at=at)


@pytest.mark.parametrize(
    "settings",
    [
        {"targets": raikeras.Learned(refresh_every=2), "count": 23},
        {"targets": raikeras.Learned(optimizer=keras.optimizers.Adam(0.02))},
        {"targets": raikeras.Inferred(3, 0.1)},
        {"targets": raikeras.Inferred(2, optimizer="adam", step_size=0.01)},
        {"targets": raikeras.Gradient(0.5)},
        {"weight_step": raikeras.Local(3, proximal=2.0)},
        {
            "targets": raikeras.Gradient(0.5),
            "hidden_loss": raikeras.losses.HalfSquaredError(),
            "weight_step": raikeras.Local(2),
            "relax": [f"hidden_{n}" for n in range(4)],
        },
        {"hidden_weight": {"hidden_1": 0.3, "hidden_2": growing}},
        {"hidden_loss": keras.losses.MeanAbsoluteError(reduction="sum")},
        {"hidden_loss": keras.losses.Huber(reduction="mean_with_sample_weight")},
    ],
    ids=["refresh", "adam_rows", "inferred", "inferred_adam", "gradient", "local"]
    + ["locoprop", "weights", "absolute_sum", "huber"],
)
def test_fused_equals_layer_by_layer_for_every_choice(settings):
    assert_equal(**settings)


def test_fused_equals_layer_by_layer_to_1e9_in_float64():
    """20 steps of the rule, after 40 of SGD that give every layer a mismatch.

    Rows that have just started have none but what the two ways of rounding leave, and a rule that
    reads signs would take that for a direction.
    """
    code = """
import json, keras, numpy as np
keras.config.set_floatx("float64")
from tests.library import test_fused as t
import raikeras
rules = {"rprop": lambda: raikeras.optimizers.Rprop(0.001), "adam": keras.optimizers.Adam}
t.X, t.Y = t.X.astype("float64"), t.Y.astype("float64")
def once(activation, rule, fuse):
    model = raikeras.RelaxedModel(t.net(activation), fuse=fuse)
    for optimizer, steps in ((keras.optimizers.SGD(0.5), 40), (rules[rule](), 20)):
        model.compile(optimizer, "binary_crossentropy")
        model.fit(t.X, t.Y, batch_size=len(t.X), epochs=steps, shuffle=False, verbose=0)
    parts = [*model.net.get_weights(), *model.targets(np.arange(len(t.X))).values()]
    return np.concatenate([part.ravel() for part in parts])
apart = {}
for activation in ("sigmoid", "tanh"):
    for rule in rules:
        one, many = (once(activation, rule, fuse) for fuse in (True, False))
        assert one.dtype == "float64"
        apart[activation + " " + rule] = float(np.max(np.abs(one - many)) / np.max(np.abs(many)))
print(json.dumps(apart))
"""
    environment = {**os.environ, "JAX_ENABLE_X64": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    apart = json.loads(done.stdout.splitlines()[-1])
    assert len(apart) == 4 and max(apart.values()) < 1e-9, apart


def branches():
    """Two chains side by side, a residual around one, and one in a nested model."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((3,))
    left = layers.Dense(5, "tanh")(inputs)
    right = layers.Dense(4, "relu")(inputs)
    for _ in range(3):
        left, right = layers.Dense(5, "tanh")(left), layers.Dense(4, "relu")(right)
    inner = keras.Sequential(
        [keras.Input((5,)), layers.Dense(5, "elu"), layers.Dense(5, "elu"), layers.Dropout(0.0)]
    )
    left = layers.Add()([left, inner(left)])
    outputs = layers.Dense(1, "sigmoid")(layers.Concatenate()([left, right]))
    return keras.Model(inputs, outputs)


def test_chains_are_found_in_branches_and_nested_models():
    net = branches()
    chains = RelaxedNetwork(net, choose_layers(net, layers.Dense), "pre_activation").chains
    assert sorted(len(chain) for chain in chains) == [2, 3, 3]
    assert_equal(branches, validate=True)


@pytest.mark.parametrize(
    "change",
    [
        {"units": 6},
        {"activation": "relu"},
        {"use_bias": False},
        {"kernel_regularizer": "l2"},
        {"kernel_constraint": "non_neg"},
        {"dtype": "mixed_bfloat16"},
        {"activity_regularizer": "l2"},
        {"trainable": False},
    ],
)
def test_a_layer_that_differs_ends_a_chain(change):
    """Of 2 + 1 + 2 layers, the odd one stands apart."""
    settings = {"units": 5, "activation": "tanh"}
    net = keras.Sequential(
        [keras.Input((5,)), *[layers.Dense(**settings) for _ in range(2)]]
        + [layers.Dense(**{**settings, **change})]
        + [layers.Dense(**settings) for _ in range(3)]
    )
    network = RelaxedNetwork(net, choose_layers(net, layers.Dense), "pre_activation")
    odd = net.layers[2]
    assert all(odd not in chain.layers for chain in network.chains)
    assert network.chains


def test_shared_and_tapped_layers_are_not_fused():
    inputs = keras.Input((5,))
    twice = layers.Dense(5, "tanh", name="twice")
    tapped = layers.Dense(5, "tanh", name="tapped")(twice(twice(inputs)))
    end = layers.Dense(5, "tanh", name="end")(tapped)
    net = keras.Model(inputs, [tapped, end])
    assert not RelaxedNetwork(net, choose_layers(net, layers.Dense), "pre_activation").chains


def test_products_in_parts_are_those_of_layer_by_layer():
    """Of a long chain the products are computed in parts, on JAX and more than one core."""
    assert_equal(lambda: net(depth=25), at="post_activation")


def test_evaluate_leaves_weights_where_they_are(monkeypatch):
    model, _ = train(True)
    wanted = model.evaluate(X, Y, verbose=0)
    expected = keras.models.clone_model(model.net)
    expected.set_weights(model.net.get_weights())
    expected.compile(loss="binary_crossentropy", metrics=["accuracy"])
    assert wanted == pytest.approx(expected.evaluate(X, Y, verbose=0))

    def forbidden(self):
        raise AssertionError("stacked")

    monkeypatch.setattr(chains.Chain, "attach", forbidden)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(wanted)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX always compiles")
def test_a_compiled_step_trains_a_chain_as_without():
    found = []
    for choice in (True, False):
        model = raikeras.RelaxedModel(net())
        model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy", jit_compile=choice)
        model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
        assert model.relaxed.network.chains
        found.append([*model.net.get_weights(), *model.targets(np.arange(24)).values()])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


# The net stays the user's


class Look(keras.callbacks.Callback):
    """Looks at the net while it trains, as users do."""

    def __init__(self, path):
        super().__init__()
        self.path, self.seen = path, []

    def on_epoch_end(self, epoch, logs=None):
        net = self.model.net
        weights = net.get_weights()
        by_hand = _forward(weights, X)
        np.testing.assert_allclose(net.predict(X, verbose=0), by_hand, rtol=1e-5, atol=1e-6)
        self.model.save(self.path)
        saved = keras.saving.load_model(self.path)
        for one, other in zip(saved.net.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(one, other)
        self.seen.append(weights)


def _forward(weights, x):
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = np.tanh(x @ kernel + bias)
    return 1 / (1 + np.exp(-(x @ weights[-2] + weights[-1])))


def test_the_net_is_up_to_date_whenever_it_is_looked_at(tmp_path):
    net_ = net()
    net_.predict(X, verbose=0)  # traced before training
    model = raikeras.RelaxedModel(net_, targets=raikeras.Gradient())
    model.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    look = Look(tmp_path / "model.keras")
    model.fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[look])
    moved = [np.abs(a - b).max() for a, b in zip(look.seen[0], look.seen[-1], strict=True)]
    assert min(moved) > 0
    for seen, after in zip(look.seen[-1], net_.get_weights(), strict=True):
        np.testing.assert_array_equal(seen, after)
    expected = _forward(net_.get_weights(), X)
    np.testing.assert_allclose(net_.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert model.count_params() == net_.count_params() == net().count_params()


def test_the_trained_net_trains_on_in_plain_keras():
    model, _ = train(True)
    before = model.net.get_weights()
    model.net.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    model.net.fit(X, Y, verbose=0)
    moved = [np.abs(a - b).max() for a, b in zip(before, model.net.get_weights(), strict=True)]
    assert min(moved) > 0
    after = model.net.get_weights()
    model.fit(X, Y, sample_weight=WEIGHTS, batch_size=4, epochs=1, verbose=0)
    assert max(np.abs(a - b).max() for a, b in zip(after, model.net.get_weights(), strict=True)) > 0


class Assign(keras.callbacks.Callback):
    def __init__(self, weights):
        super().__init__()
        self.weights = weights

    def on_epoch_end(self, epoch, logs=None):
        self.model.net.set_weights(self.weights)


def test_weights_that_a_callback_sets_are_kept():
    weights = [np.full(w.shape, 0.25, "float32") for w in net().get_weights()]
    model = raikeras.RelaxedModel(net())
    model.compile(keras.optimizers.SGD(0.5), "binary_crossentropy")
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[Assign(weights)])
    for expected, found in zip(weights, model.net.get_weights(), strict=True):
        np.testing.assert_array_equal(expected, found)


def test_a_saved_model_trains_on_as_if_it_had_not_been_saved(tmp_path):
    model, _ = train(True, targets=raikeras.Gradient(0.5))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, loaded):
        one.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for a, b in zip(model.net.get_weights(), loaded.net.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_evaluate_before_fit_and_train_on_batch_work():
    model = raikeras.RelaxedModel(net(), targets=raikeras.Gradient(0.5))
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "binary_crossentropy")
    before = model.evaluate(X, Y, verbose=0)
    assert before == pytest.approx(
        float(keras.losses.BinaryCrossentropy()(Y, _forward(model.net.get_weights(), X))), rel=1e-4
    )
    for _ in range(30):
        model.train_on_batch(X, Y)
    assert model.evaluate(X, Y, verbose=0) < before


@pytest.mark.parametrize("read", ["nothing", "one layer", "all", "one is set", "all are set"])
def test_between_train_on_batch_the_net_may_be_read_and_set(read):
    weights = []
    for fuse in (True, False):
        model = raikeras.RelaxedModel(net(), targets=raikeras.Gradient(0.5), fuse=fuse)
        model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "binary_crossentropy")
        for _ in range(3):
            model.train_on_batch(X, Y)
            layer = model.net.layers[2]
            if read == "one layer":
                assert np.isfinite(layer.get_weights()[0]).all()
            elif read == "all":
                before = [np.array(weight) for weight in model.get_weights()]
                np.testing.assert_allclose(
                    model.net.predict(X, verbose=0), _forward(before, X), rtol=1e-5, atol=1e-6
                )
            elif read == "one is set":
                layer.kernel.assign(0.5 * layer.kernel)
            elif read == "all are set":
                model.set_weights([0.9 * weight for weight in model.get_weights()])
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="TensorFlow's functions hold weights")
def test_weights_that_nothing_looked_at_are_not_stacked_again(monkeypatch, tmp_path):
    import jax

    model = raikeras.RelaxedModel(net(), targets=raikeras.Gradient(0.5))
    model.compile("sgd", "binary_crossentropy")
    model.train_on_batch(X, Y)
    with monkeypatch.context() as patched:
        patched.setattr(np, "stack", None)
        model.train_on_batch(X, Y)
    # What first looks may be a trace, whose constants are gone when it ends.
    jax.jit(model.net)(X)
    expected = _forward(model.net.get_weights(), X)
    np.testing.assert_allclose(model.net.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)
    model.train_on_batch(X, Y)
    model.net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    for one, other in zip(again.get_weights(), model.net.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    model.train_on_batch(X, Y)
    (kernel, *_) = [weight for weight in model.net.weights if weight.shape[0] == weight.shape[-1]]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(kernel)).numpy(), kernel.numpy())
    model.train_on_batch(X, Y)
    model.net.compile("sgd", "binary_crossentropy")
    model.net.fit(X, Y, verbose=0)


def test_a_chain_that_becomes_shorter_unread_trains_on():
    """The layers that are left must not take the stack of all that there were."""
    weights = []
    for fuse in (True, False):
        model = raikeras.RelaxedModel(net(depth=5), targets=raikeras.Gradient(0.5), fuse=fuse)
        for frozen in (None, -2, 2):
            if frozen is not None:
                model.net.layers[frozen].trainable = False
            model.compile(keras.optimizers.SGD(0.05), "binary_crossentropy")
            model.fit(X, Y, batch_size=8, shuffle=False, epochs=2, verbose=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_trained_net_may_be_looked_at_by_several_threads_and_pickled():
    model = raikeras.RelaxedModel(net(depth=30), targets=raikeras.Gradient(0.5))
    model.compile("sgd", "binary_crossentropy")
    for look in (lambda: pickle.loads(pickle.dumps(model.net)).get_weights(), model.get_weights):
        model.train_on_batch(X, Y)
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            for found in [one.result() for one in [threads.submit(look) for _ in range(8)]]:
                for one, other in zip(found, model.net.get_weights(), strict=True):
                    np.testing.assert_array_equal(one, other)


class Quartic(keras.losses.Loss):
    """A hidden loss of a user."""

    sums_units = True
    calls = 0

    def call(self, y_true, y_pred):
        self.calls += 1
        return keras.ops.sum((y_true - y_pred) ** 4, axis=-1)


class Halved(keras.optimizers.SGD):
    """An optimizer of a user."""

    elementwise = True

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient / 2, variable, learning_rate)


class Unknown(Halved):
    """A class that derives from one that says so need not be like it."""


def test_a_loss_and_an_optimizer_of_ones_own_may_say_that_they_serve_a_chain():
    rule = raikeras.Gradient(0.5)
    assert_equal(hidden_loss=Quartic(), targets=rule, optimizer=lambda: Halved(0.05))
    one, other = Quartic(), Quartic()
    for loss, fuse in ((one, True), (other, False)):
        train(fuse, hidden_loss=loss, targets=rule)
    assert one.calls < other.calls
    assert reason_not_stackable(Halved()) is None
    assert "Unknown" in reason_not_stackable(Unknown())


def test_training_leaves_nothing_behind_in_the_nets_graph():
    model = raikeras.RelaxedModel(net(), targets=raikeras.Gradient(0.5))
    model.compile("sgd", "binary_crossentropy", run_eagerly=True)
    graph = model.relaxed.network.chains[0].graph
    kind, known = type(graph._nodes_by_depth), len(getattr(graph, "_tracked", []))
    model.fit(X, Y, batch_size=8, verbose=0)
    assert type(graph._nodes_by_depth) is kind
    assert len(getattr(graph, "_tracked", [])) == known


def test_a_stopped_fit_leaves_the_net_whole():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    model = raikeras.RelaxedModel(net())
    model.compile("sgd", "binary_crossentropy")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[Stop()])
    assert not model.relaxed.attached_chains()
    expected = _forward(model.net.get_weights(), X)
    np.testing.assert_allclose(model.net.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)


# What does not fuse


@pytest.mark.parametrize(
    "optimizer, words",
    [
        (keras.optimizers.SGD(0.1, clipnorm=1.0), "clipnorm"),
        (keras.optimizers.Lamb(0.001), "Lamb"),
        (keras.optimizers.Adafactor(0.001), "Adafactor"),
        (keras.optimizers.Muon(0.001), "Muon"),
    ],
)
def test_what_does_not_fuse_says_so_once_and_trains(optimizer, words):
    skip_if_broken(optimizer)
    model = raikeras.RelaxedModel(net(), targets=raikeras.Learned(optimizer="sgd"))
    model.compile(optimizer, "binary_crossentropy")
    with pytest.warns(UserWarning, match=f"one by one.*{words}") as said:
        model.fit(X, Y, batch_size=8, verbose=0)
        model.fit(X, Y, batch_size=8, verbose=0)
    assert len([w for w in said if "one by one" in str(w.message)]) == 1
    assert not any(3 == len(v.shape) for v in model.trainable_variables)


def test_settings_that_look_at_one_variable_at_a_time_do_not_fuse():
    """Of `use_ema` no second `fit` is tried: on JAX Keras itself fails at it."""
    assert reason_not_stackable(keras.optimizers.SGD(0.1)) is None
    for setting in ({"use_ema": True}, {"gradient_accumulation_steps": 2}, {"clipnorm": 1.0}):
        assert f"`{next(iter(setting))}`" in reason_not_stackable(
            keras.optimizers.SGD(0.1, **setting)
        )


def test_equal_layers_with_a_constraint_on_the_norm_say_so_once_and_train():
    limited = {"kernel_constraint": keras.constraints.MaxNorm(0.7, axis=0)}
    model = raikeras.RelaxedModel(side_by_side([limited]))
    model.compile(keras.optimizers.SGD(0.5), "binary_crossentropy")
    with pytest.warns(UserWarning, match="one by one, for the layers' MaxNorm") as said:
        model.fit(X, Y, batch_size=8, epochs=3, verbose=0)
        model.fit(X, Y, batch_size=8, verbose=0)
    assert len([w for w in said if "one by one" in str(w.message)]) == 1
    kernels = [w for w in model.net.get_weights() if w.shape[0] == w.shape[-1]]
    assert max(np.linalg.norm(kernel, axis=0).max() for kernel in kernels) < 0.7 + 1e-5


def test_fuse_must_be_true_or_false():
    with pytest.raises(ValueError, match="`fuse` must be True or False. Received: fuse=2"):
        raikeras.RelaxedModel(net(), fuse=2)


# The traced step


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch has loops in Python alone")
def test_the_step_does_not_grow_with_the_depth_of_a_chain(monkeypatch):
    """The Dense layers of a chain are never called, and products are as many at any great depth."""
    calls = {}
    for depth in (150, 300):
        counted = []
        real = keras.ops.matmul
        monkeypatch.setattr(keras.ops, "matmul", lambda *a, f=real, c=counted: c.append(1) or f(*a))
        model = raikeras.RelaxedModel(net(depth=depth))
        model.compile("sgd", "binary_crossentropy")
        model.fit(X, Y, batch_size=24, verbose=0)
        monkeypatch.setattr(keras.ops, "matmul", real)
        calls[depth] = len(counted)
    assert calls[150] == calls[300] > 0
