"""Nets as users have them: each trains as in plain Keras, or is refused before any training."""

import keras
import numpy as np
import pytest
import transfers
from backprop import as_backprop, assert_trains_as_keras, number
from keras import layers, ops

import raikeras
from raikeras.losses import HalfSquaredError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 6)).astype("float32")
SEQUENCES = RNG.normal(size=(16, 4, 3)).astype("float32")
IMAGES = RNG.normal(size=(16, 5, 5, 2)).astype("float32")
Y = RNG.normal(size=(16, 1)).astype("float32")
Y2 = RNG.normal(size=(16, 2)).astype("float32")


def post(net):
    return as_backprop(net, at="post_activation")


# Layers whose `call` is not Keras' own


class Scaled(layers.Dense):
    def call(self, inputs, training=None):
        return 3.0 * super().call(inputs, training)


class ScaledConvolution(layers.Conv2D):
    def call(self, inputs):
        return 3.0 * super().call(inputs)


class OwnProduct(layers.Conv2D):
    """Still ends in the activation: its `call` is Keras'."""

    def convolution_op(self, inputs, kernel):
        return 3.0 * super().convolution_op(inputs, kernel)


class LateActivation(layers.Dense):
    """Its activation cannot be put aside."""

    @property
    def activation(self):
        return ops.tanh

    @activation.setter
    def activation(self, value):
        pass


def patched():
    layer = layers.Dense(4, "tanh", name="patched")
    layer.call = lambda inputs, training=None: 3.0 * layers.Dense.call(layer, inputs)
    return layer


def flat_net(make):
    return keras.Sequential([keras.Input((6,)), make(), layers.Dense(1)])


def image_net(make):
    return keras.Sequential([keras.Input((5, 5, 2)), make(), layers.Flatten(), layers.Dense(1)])


OWN_CALLS = {
    "Dense": (lambda: flat_net(lambda: Scaled(4, "tanh")), X),
    "Conv2D": (lambda: image_net(lambda: ScaledConvolution(2, 3, activation="tanh")), IMAGES),
    "instance": (lambda: flat_net(patched), X),
    "property": (lambda: flat_net(lambda: LateActivation(4)), X),
}


@pytest.mark.parametrize("case", OWN_CALLS)
def test_a_call_of_its_own_is_cut_after_it_or_refused(case):
    build, x = OWN_CALLS[case]
    net = build()
    cut_before = ({}, {"at": "post_activation", "hidden_loss": "matching"})
    for settings in cut_before:
        wrong = f"Layer `{net.layers[0].name}` .*no single pre-activation.*Received: at="
        with pytest.raises(ValueError, match=wrong):
            raikeras.RelaxedModel(net, relax=(layers.Dense, layers.Conv2D), **settings)
    assert_trains_as_keras(build, x, Y, wrap=post, optimizer=keras.optimizers.SGD(0.01))


def test_what_a_call_makes_use_of_may_be_its_own():
    def build():
        return image_net(lambda: OwnProduct(2, 3, activation="tanh"))

    assert_trains_as_keras(build, IMAGES, Y, wrap=lambda n: as_backprop(n, relax=layers.Conv2D))


def test_fisher_information_of_a_call_of_its_own_is_refused():
    with pytest.raises(ValueError, match=r"end in its activation.*\(Scaled\)"):
        raikeras.diagnostics.layer_fisher(flat_net(lambda: Scaled(4, "tanh")), X)


# What is only looked at stays as it is


@keras.saving.register_keras_serializable("any_net")
class Counter(layers.Layer):
    """Counts its calls, in inference too, and draws a number each time."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")
        self.generator = keras.random.SeedGenerator(3)

    def call(self, inputs):
        self.calls.assign(self.calls + 1.0)
        return inputs + 0.01 * keras.random.normal(ops.shape(inputs), seed=self.generator)


TORCH = keras.backend.backend() == "torch"
# What a pass has assigned is then another tensor than the one that the derivative needs.
KEPT_STATE = pytest.mark.skipif(TORCH, reason="plain Keras cannot differentiate a kept state there")


def stateful_net():
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input(batch_shape=(8, 4, 3)),
            layers.Dense(3, "tanh"),
            layers.LSTM(4, stateful=True, bias_initializer="ones"),
            layers.BatchNormalization(),
            Counter(),
            layers.Dropout(0.5),
            layers.Dense(2, "tanh"),
            layers.Dense(2),
        ]
    )


def state_of(net):
    """Weights, and all that a pass could change: states of seeds and recurrent layers too."""
    return [number(variable) for variable in net.variables]


def assert_same_state(net, before):
    for variable, value in zip(net.variables, before, strict=True):
        np.testing.assert_array_equal(number(variable), value, err_msg=variable.path)


def test_wrapping_leaves_the_net_bit_equal():
    net = stateful_net()
    before, config = state_of(net), net.get_config()
    for at in ("pre_activation", "post_activation"):
        model = raikeras.RelaxedModel(net, at=at)
        model.compile("sgd", "mse")
    assert_same_state(net, before)
    assert net.get_config() == config


@KEPT_STATE
@pytest.mark.parametrize("fuse", [True, False])
def test_state_follows_training_as_in_plain_keras(fuse):
    history, _ = assert_trains_as_keras(
        stateful_net, SEQUENCES, Y2, wrap=lambda net: as_backprop(net, fuse=fuse), deployed=False
    )
    assert np.isfinite(history.history["loss"]).all()


@KEPT_STATE
def test_a_teacher_and_a_diagnosis_keep_their_state():
    teacher, student = stateful_net(), stateful_net()
    before = state_of(teacher)
    model = raikeras.RelaxedModel(student, targets=raikeras.Teacher(teacher), deployed_every=0)
    model.compile("sgd", "mse")
    model.fit(SEQUENCES, Y2, batch_size=8, verbose=0)
    raikeras.diagnostics.layer_fisher(teacher, SEQUENCES[:8])
    assert_same_state(teacher, before)


# Layers that training calls otherwise, or in a place where no target reaches


class Sometimes(layers.Layer):
    """Calls its layer a number of times that depends on the mode."""

    def __init__(self, in_training, in_inference):
        super().__init__()
        self.times = in_training, in_inference
        self.inner = layers.Dense(6, "tanh", name="inner")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, inputs, training=None):
        for _ in range(self.times[0 if training else 1]):
            inputs = self.inner(inputs)
        return inputs


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("times", [(0, 1), (2, 1), (1, 0)])
def test_a_layer_that_training_calls_more_or_less_often_is_refused(times):
    net = keras.Sequential([keras.Input((6,)), Sometimes(*times), layers.Dense(1)])
    wanted = rf"as often.*`inner` \(Dense\), called {times[1]} times in inference and {times[0]}"
    with pytest.raises(ValueError, match=wanted):
        raikeras.RelaxedModel(net)
    left_out = as_backprop(net, relax=lambda layer: layer.name != "inner")
    left_out.compile("sgd", "mse")
    left_out.fit(X, Y, verbose=0)


def test_a_layer_that_is_called_twice_in_both_modes_has_two_cuts():
    def build():
        return keras.Sequential([keras.Input((6,)), Sometimes(2, 2), layers.Dense(1, name="out")])

    assert_trains_as_keras(build, X, Y)
    cuts = raikeras.RelaxedModel(build()).relaxed.network.cuts
    assert [cut.name for cut in cuts] == ["inner", "inner:2", "out"]


class Cell(layers.Layer):
    def __init__(self):
        super().__init__()
        self.state_size = self.output_size = 5
        self.by_input, self.by_state = layers.Dense(5, name="by_input"), layers.Dense(5)

    def build(self, shape):
        self.by_input.build(shape)
        self.by_state.build((shape[0], 5))

    def call(self, inputs, states):
        output = ops.tanh(self.by_input(inputs) + self.by_state(states[0]))
        return output, [output]


class InLoop(layers.Layer):
    """Its layer stands in the body of a loop, a condition or a map."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.inner = kind, layers.Dense(6, name="inner")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, inputs):
        if self.kind == "while":
            state = (0, inputs)
            return ops.while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, self.inner(x)), state)[1]
        if self.kind == "cond":
            return ops.cond(ops.sum(inputs) > 0, lambda: self.inner(inputs), lambda: inputs)
        if self.kind == "scan":
            each = ops.stack([inputs, inputs])
            return ops.scan(lambda state, x: (self.inner(state), x), inputs, each)[0]
        each = ops.stack([inputs, inputs])
        return ops.sum(ops.vectorized_map(self.inner, each), axis=0)


# On torch loops are Python's: every turn calls the layer, and each call has targets of its own.
@pytest.mark.parametrize("kind", ["map", *([] if TORCH else ["cell", "while", "cond", "scan"])])
def test_a_layer_in_a_loop_is_refused(kind):
    if kind == "cell":
        inside = [keras.Input((4, 3)), layers.RNN(Cell())]
    else:
        inside = [keras.Input((6,)), InLoop(kind)]
    net = keras.Sequential([*inside, layers.Dense(1, name="out")])
    name = "by_input" if kind == "cell" else "inner"
    with pytest.raises(ValueError, match=rf"inside a loop.*`relax`.*`{name}` \(Dense\)"):
        raikeras.RelaxedModel(net)
    assert [cut.name for cut in raikeras.RelaxedModel(net, relax=["out"]).relaxed.network.cuts] == [
        "out"
    ]


def test_a_cell_whose_loop_is_unrolled_has_a_cut_for_each_call():
    def build():
        return keras.Sequential([keras.Input((4, 3)), layers.RNN(Cell(), unroll=True)])

    assert_trains_as_keras(build, SEQUENCES, RNG.normal(size=(16, 5)).astype("float32"))


def test_a_layer_of_several_tensors_is_refused():
    inputs = keras.Input((4, 3))
    output, *_ = layers.LSTM(4, return_state=True, name="lstm")(inputs)
    net = keras.Model(inputs, layers.Dense(1)(output))
    with pytest.raises(ValueError, match="one tensor.*`lstm`.*returns 3 tensors"):
        raikeras.RelaxedModel(net, relax=["lstm"], at="post_activation")
    raikeras.RelaxedModel(net)


def test_rows_of_a_batch_must_be_examples():
    inputs = keras.Input((4, 3))
    folded = ops.reshape(inputs, (-1, 3))
    net = keras.Model(inputs, ops.reshape(layers.Dense(2, name="folded")(folded), (-1, 8)))
    with pytest.raises(ValueError, match=r"first axis.*`folded`.*shape \(8, 2\) for a batch of 2"):
        raikeras.RelaxedModel(net)


def test_lengths_may_be_unknown_where_no_target_stands():
    def build():
        inputs = keras.Input((None, 3))
        pooled = layers.GlobalAveragePooling1D()(layers.Conv1D(4, 2, name="conv")(inputs))
        return keras.Model(inputs, layers.Dense(1)(pooled))

    assert_trains_as_keras(build, SEQUENCES, Y)
    with pytest.raises(ValueError, match=r"fixed shape.*`conv`.*\(None, None, 4\)"):
        raikeras.RelaxedModel(build(), relax=["conv"])


def test_quantized_layers_are_refused():
    net = flat_net(lambda: layers.Dense(4, "tanh", name="hidden"))
    net.layers[0].quantize("int8")
    with pytest.raises(ValueError, match="quantized.*`hidden`.*int8"):
        raikeras.RelaxedModel(net)


# TimeDistributed


def over_time(wrap):
    """Two equal nets: Dense on sequences and, with `wrap`, at every time step."""

    def make(units, name):
        layer = layers.Dense(units, "tanh", name=name)
        return layers.TimeDistributed(layer) if wrap else layer

    body = [make(5, "low"), make(5, "high"), layers.Flatten(), layers.Dense(2, name="out")]
    return keras.Sequential([keras.Input((4, 3)), *body])


@pytest.mark.parametrize("rule", [raikeras.Learned, lambda: raikeras.Inferred(2, 0.2)])
@pytest.mark.parametrize("loss", ["mean_squared_error", HalfSquaredError(), "matching"])
def test_a_layer_over_time_weighs_as_much_as_dense_on_sequences(rule, loss):
    # In float64: a matching loss is what is left of larger numbers.
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    found = []
    for wrap in (False, True):
        with transfers.double_precision():
            keras.utils.set_random_seed(0)
            net = over_time(wrap)
            model = raikeras.RelaxedModel(net, targets=rule(), hidden_loss=loss)
            model.compile(keras.optimizers.SGD(0.05), "mse")
            history = model.fit(SEQUENCES, Y2, epochs=3, batch_size=8, shuffle=False, verbose=0)
            rows = model.targets(np.arange(16)) if model.store else {}
            found.append((net.get_weights(), history.history, rows))
    (weights, logs, rows), (others, other_logs, other_rows) = found
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_allclose(other, one, 1e-11, 1e-13)
    for key in logs:
        np.testing.assert_allclose(other_logs[key], logs[key], 1e-11)
    assert list(rows) == list(other_rows)
    for name in rows:
        np.testing.assert_allclose(other_rows[name], rows[name], 1e-11, 1e-13)


def test_a_merged_pair_may_be_relaxed_over_time():
    def build():
        inputs = keras.Input((3,))
        branches = [layers.Dense(4, "tanh")(inputs), layers.Dense(4)(inputs)]
        inner = keras.Model(inputs, layers.Add(name="sum")(branches))
        body = [layers.TimeDistributed(inner), layers.Flatten(), layers.Dense(2)]
        return keras.Sequential([keras.Input((4, 3)), *body])

    kinds = layers.Dense, layers.Add
    assert_trains_as_keras(build, SEQUENCES, Y2, wrap=lambda net: as_backprop(net, relax=kinds))


def test_layers_and_models_over_time_train_as_in_plain_keras():
    def build():
        inner = [keras.Input((3,)), layers.Dense(4, "tanh"), layers.Dense(4, "tanh")]
        pairs = layers.TimeDistributed(layers.Dense(3, "tanh", name="pairs"))
        body = [
            layers.TimeDistributed(keras.Sequential(inner)),
            layers.Reshape((2, 2, 4)),
            layers.TimeDistributed(pairs),
            layers.Flatten(),
            layers.Dense(2),
        ]
        return keras.Sequential([keras.Input((4, 3)), *body])

    assert_trains_as_keras(build, SEQUENCES, Y2)
    shapes = [cut.shape for cut in raikeras.RelaxedModel(build()).relaxed.network.cuts]
    assert shapes == [(4, 4), (4, 4), (4, 3), (2,)]


# Numbers of a narrow dtype


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
@pytest.mark.parametrize("matching", [False, True])
def test_a_fused_chain_in_bfloat16_is_no_less_exact_than_plain_keras(at, matching):
    x, y = RNG.normal(size=(2, 64, 16)).astype("float32")

    def error_of(make):
        keras.config.set_dtype_policy("mixed_bfloat16")
        found = weights_after(make)
        return np.sqrt(np.mean(np.square(found - exact)))

    def weights_after(make):
        keras.utils.set_random_seed(0)
        hidden = [layers.Dense(16, "tanh") for _ in range(4)]
        net = keras.Sequential([keras.Input((16,)), *hidden, layers.Dense(16, dtype="float32")])
        model = make(net)
        model.compile(keras.optimizers.SGD(0.5), "mse")
        model.fit(x, y, epochs=3, batch_size=64, verbose=0)
        return np.concatenate([np.ravel(w).astype("float64") for w in net.get_weights()])

    loss = {"hidden_loss": raikeras.losses.MatchingLoss(reduction="sum")} if matching else {}
    keras.config.set_dtype_policy("float32")
    exact = weights_after(lambda net: as_backprop(net, at=at, **loss) if matching else net)
    plain = error_of(lambda net: as_backprop(net, at=at, fuse=False, **loss) if matching else net)
    assert error_of(lambda net: as_backprop(net, at=at, **loss)) < 2 * plain
