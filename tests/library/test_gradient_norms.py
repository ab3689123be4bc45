"""Gradient norms by layer against formulas, differences and the backend's own derivative."""

import keras
import numpy as np
import pytest
from keras import layers
from tf_streams import needs_tensorflow

import raikeras
from raikeras.callbacks import GradientNorms
from raikeras.diagnostics import gradient_norms

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3)).astype("float32")
Y = RNG.normal(size=(20, 2)).astype("float32")
WEIGHTS = RNG.uniform(0.5, 2.0, 20).astype("float32")
NAMES = ("first", "second", "last")


def make_net(**settings):
    keras.utils.set_random_seed(1)
    names = iter(NAMES)
    net = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, "tanh", name=next(names)),
         layers.Dense(4, "tanh", name=next(names)), layers.Dense(2, name=next(names))]
    )  # fmt: skip
    net.compile(keras.optimizers.SGD(0.1), "mean_squared_error", **settings)
    return net


def loss_of(weights, sample_weight=None):
    value = X.astype("float64")
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        value = np.tanh(value @ kernel + bias)
    each = np.mean((value @ weights[-2] + weights[-1] - Y) ** 2, axis=1)
    return np.mean(each if sample_weight is None else each * sample_weight)


def by_differences(net, sample_weight=None, step=1e-5):
    """Norm by layer from central differences of every weight, in double precision."""
    weights = [weight.astype("float64") for weight in net.get_weights()]
    squares = np.zeros(len(weights) // 2)
    for number, weight in enumerate(weights):
        for place in np.ndindex(weight.shape):
            values = []
            for sign in (1, -1):
                weight[place] += sign * step
                values.append(loss_of(weights, sample_weight))
                weight[place] -= sign * step
            squares[number // 2] += ((values[0] - values[1]) / (2 * step)) ** 2
    return dict(zip(NAMES, np.sqrt(squares), strict=True))


def plain(net, x=X, y=Y, **call):
    """Norm by variable path, as the running backend differentiates a call and a loss."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = net.compute_loss(x, tf.constant(y), net(tf.constant(x), **call))
        found = tape.gradient(loss, [weight.value for weight in net.trainable_variables])
    elif keras.backend.backend() == "torch":
        import torch

        x, y = keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y)
        loss = net.compute_loss(x, y, net(x, **call))
        found = torch.autograd.grad(loss, [weight.value for weight in net.trainable_variables])
    else:
        import jax

        def loss(values):
            outputs, _, losses = net.stateless_call(
                values, net.non_trainable_variables, x, return_losses=True, **call
            )
            return keras.ops.mean((outputs - y) ** 2) + sum(losses)

        found = jax.grad(loss)([weight.value for weight in net.trainable_variables])
    return [np.linalg.norm(np.asarray(gradient)) for gradient in found]


@pytest.mark.parametrize("weighted", [False, True])
def test_norms_are_those_of_difference_quotients(weighted):
    net, sample_weight = make_net(), WEIGHTS if weighted else None
    before = net.get_weights()
    found = gradient_norms(net, X, Y, sample_weight)
    assert list(found) == list(NAMES)
    for name, expected in by_differences(net, sample_weight).items():
        assert found[name] == pytest.approx(expected, rel=1e-4)
    for weight, old in zip(net.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_state_regularisers_and_frozen_layers_are_respected():
    keras.utils.set_random_seed(2)
    net = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4, name="frozen"), layers.BatchNormalization(name="bn"),
         layers.Dense(2, kernel_regularizer="l2", use_bias=False, name="top")]
    )  # fmt: skip
    net.layers[0].trainable = False
    net.compile("adam", "mean_squared_error")
    net.fit(X, Y, verbose=0)
    before = [np.array(v) for v in [*net.variables, *net.metrics_variables]]
    found = gradient_norms(net, X, Y)
    for value, old in zip([*net.variables, *net.metrics_variables], before, strict=True):
        np.testing.assert_array_equal(np.array(value), old)
    assert list(found) == ["bn", "top"]
    gamma, beta, kernel = plain(net, training=True)
    assert found["top"] == pytest.approx(kernel, rel=1e-4)
    assert found["bn"] == pytest.approx(np.hypot(gamma, beta), rel=1e-4)


def test_embedding_counts_a_word_that_occurs_twice():
    net = keras.Sequential(
        [keras.Input((3,), dtype="int32"), layers.Embedding(5, 1), layers.Flatten(),
         layers.Dense(1, use_bias=False)]
    )  # fmt: skip
    net.set_weights([np.zeros((5, 1)), np.float32([[1.0], [2.0], [4.0]])])
    net.compile("sgd", "mean_squared_error")
    # Loss (output - 1)^2, whose slope in the output is -2: word 0 gets -2 (1 + 4), word 3 -2 * 2.
    found = gradient_norms(net, np.array([[0, 3, 0]]), np.ones((1, 1)))
    assert found[net.layers[0].name] == pytest.approx(np.hypot(10, 4))


def test_layers_of_one_name_are_told_apart_by_their_paths():
    start = keras.Input((3,))
    parts = [keras.Sequential([keras.Input((n,)), layers.Dense(2, name="same")], name=name)
             for n, name in ((3, "left"), (2, "right"))]  # fmt: skip
    net = keras.Model(start, parts[1](parts[0](start)))
    net.compile("sgd", "mean_squared_error")
    found = gradient_norms(net, X, Y)
    assert list(found) == ["left/same", "right/same"]


# In `fit`


def test_history_holds_the_norms_after_each_epoch():
    net, norms = make_net(), GradientNorms(X, Y)
    start = gradient_norms(net, X, Y)
    history = net.fit(X, Y, epochs=3, batch_size=8, verbose=0, callbacks=[norms]).history
    end = gradient_norms(net, X, Y)
    assert norms.history["step"] == [0, 3, 6, 9]
    for name in NAMES:
        seen = norms.history[f"gradient_norm/{name}"]
        assert seen[0] == pytest.approx(start[name])
        assert history[f"gradient_norm/{name}"] == seen[1:]
        assert seen[-1] == pytest.approx(end[name], rel=1e-5)


def test_training_is_the_same_with_and_without():
    weights = []
    for callbacks in ([], [GradientNorms(X, Y, every=2)]):
        net = make_net()
        net.fit(X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0, callbacks=callbacks)
        weights.append(net.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_so_many_steps_sees_the_weights_of_that_step():
    net, norms = make_net(), GradientNorms(X, Y, every=2)
    history = net.fit(
        X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0, callbacks=[norms]
    ).history
    assert norms.history["step"] == [0, 2, 4, 6]
    twin = make_net()
    for start, end in ((0, 8), (8, 16)):
        twin.train_on_batch(X[start:end], Y[start:end])
    for name, value in gradient_norms(twin, X, Y).items():
        seen = norms.history[f"gradient_norm/{name}"]
        assert seen[1] == pytest.approx(value, rel=1e-5)
        assert history[f"gradient_norm/{name}"] == [seen[1], seen[3]]


def test_eager_models_and_subclasses_are_watched():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2, name="dense")
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, x):
            return self.dense(x) * self.scale

    net = Own()
    net.compile("sgd", "mean_squared_error", run_eagerly=True)
    norms = GradientNorms(X, Y)
    net.fit(X, Y, verbose=0, callbacks=[norms])
    assert set(norms.history) == {"step", f"gradient_norm/{net.name}", "gradient_norm/dense"}
    scale, *rest = plain(net) if net.trainable_variables[0] is net.scale else plain(net)[::-1]
    assert norms.history[f"gradient_norm/{net.name}"][-1] == pytest.approx(scale, rel=1e-4)
    assert norms.history["gradient_norm/dense"][-1] == pytest.approx(np.hypot(*rest), rel=1e-4)


def test_callbacks_behind_it_see_the_norms_and_those_before_do_not():
    seen = {}

    class See(keras.callbacks.Callback):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def on_epoch_end(self, epoch, logs=None):
            seen[self.name] = {key: value for key, value in logs.items() if "/" in key}

    norms = GradientNorms(X, Y)
    callbacks = [See("before"), norms, See("behind")]
    make_net().fit(X, Y, verbose=0, callbacks=callbacks)
    assert not seen["before"]
    assert seen["behind"] == {f"gradient_norm/{k}": norms.history[f"gradient_norm/{k}"][-1]
                              for k in NAMES}  # fmt: skip


@needs_tensorflow  # writes and reads the event file
def test_tensorboard_behind_it_writes_the_norms(tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    import tensorflow as tf

    net, norms = make_net(), GradientNorms(X, Y)
    board = keras.callbacks.TensorBoard(tmp_path)
    net.fit(X, Y, epochs=2, verbose=0, callbacks=[norms, board])
    (file,) = (tmp_path / "train").glob("events*")
    written = {}
    for event in loader.EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            if value.tag == "epoch_gradient_norm/first":
                written[event.step] = float(tf.make_ndarray(value.tensor))
    seen = norms.history["gradient_norm/first"]
    assert [written[0], written[1]] == pytest.approx(seen[1:], rel=1e-6)


# Relaxed models


def test_relaxed_layers_have_the_gradient_of_their_own_mismatch():
    keras.utils.set_random_seed(3)
    net = make_net()
    shift = RNG.normal(size=(20, 10)).astype("float32")

    class Shifted(raikeras.TargetRule):
        def set(self, step):
            return [step.values()[0] + keras.ops.convert_to_tensor(shift)]

    model = raikeras.RelaxedModel(net, targets=Shifted())
    model.compile("sgd", "mean_squared_error")
    # By hand: relaxed at the pre-activations, each mismatch the mean over examples and units.
    weights = [weight.astype("float64") for weight in net.get_weights()]
    value, fed, places = X.astype("float64"), X.astype("float64"), np.split(shift, [4, 8], axis=1)
    found = gradient_norms(model, X, Y)
    for name, kernel, bias, moved in zip(NAMES, weights[::2], weights[1::2], places, strict=True):
        target = value @ kernel + bias + moved
        error = 2 * (fed @ kernel + bias - target) / target.size
        expected = np.sqrt(np.sum((fed.T @ error) ** 2) + np.sum(error.sum(axis=0) ** 2))
        assert found[name] == pytest.approx(expected, rel=1e-4)
        value, fed = np.tanh(value @ kernel + bias), np.tanh(target)


@pytest.mark.parametrize("fuse", [False, True])
def test_rows_start_without_a_gradient_and_are_read_by_their_ids(fuse):
    net = make_net()
    model = raikeras.RelaxedModel(net, fuse=fuse)
    model.compile(keras.optimizers.SGD(3.0), "mean_squared_error")
    ids = {"inputs": X, "example_id": np.arange(20, dtype="int32")}
    norms = GradientNorms(ids, Y)
    model.fit(X, Y, batch_size=20, epochs=4, verbose=0, callbacks=[norms])
    table = np.array([norms.history[f"gradient_norm/{name}"] for name in NAMES])
    # The task loss moves the last row alone in the first step, the row below it in the second.
    assert (table[:, 0] == 0).all()
    arrived = table > 1e-5 * table[:, -1:]  # later on a mismatch may be one of rounding
    assert (arrived == [[0, 0, 0, 1, 1], [0, 0, 1, 1, 1], [0, 1, 1, 1, 1]]).all()
    rows = model.targets(np.arange(20))
    kernel, bias = (weight.astype("float64") for weight in net.layers[0].get_weights())
    error = 2 * (X @ kernel + bias - rows["first"]) / rows["first"].size
    expected = np.sqrt(np.sum((X.T @ error) ** 2) + np.sum(error.sum(axis=0) ** 2))
    assert table[0, -1] == pytest.approx(expected, rel=1e-2)


def test_gradient_targets_give_backprop():
    net = make_net()
    expected = gradient_norms(net, X, Y)
    model = raikeras.RelaxedModel(
        net, targets=raikeras.Gradient(0.5), hidden_loss=raikeras.losses.HalfSquaredError()
    )
    model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
    for name, value in gradient_norms(model, X, Y).items():
        assert value == pytest.approx(0.5 * expected[name], rel=1e-4)


# Bad input


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "batch"])
def test_every_is_epoch_or_a_number_of_steps(every):
    with pytest.raises(ValueError, match="`every` must be .*Received: every="):
        GradientNorms(X, Y, every=every)


def test_missing_or_misfitting_arrays_are_named():
    with pytest.raises(ValueError, match="`y` must be given.*Received: y=None"):
        GradientNorms(X)
    with pytest.raises(ValueError, match="same number of examples.*x of shape .20.*y of shape .19"):
        gradient_norms(make_net(), X, Y[:-1])
    with pytest.raises(ValueError, match="`model` must be compiled"):
        gradient_norms(keras.Sequential([keras.Input((3,)), layers.Dense(2)]), X, Y)
    model = raikeras.RelaxedModel(make_net())
    model.compile("sgd", "mean_squared_error")
    with pytest.raises(ValueError, match="need example ids"):
        gradient_norms(model, X, Y)
