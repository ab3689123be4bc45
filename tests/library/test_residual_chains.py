"""Equal residual blocks whose sums are relaxed train as one, with the numbers of block by block."""

import keras
import numpy as np
import pytest
from backprop import assert_trains_as_keras, number
from keras import layers

import raikeras
from raikeras.network.relaxed_network import RelaxedNetwork
from raikeras.network.select_layers import choose_layers
from tests.library.test_fused import WEIGHTS, X, Y, assert_equal, growing

RNG = np.random.default_rng(0)
ADDS = {"relax": layers.Add}


def block(value, name=None, f="tanh", scale=0.4, reverse=False, dtype=None, **settings):
    branch = value if f is None else layers.Activation(f, dtype=dtype)(value)
    units = value.shape[-1]
    dense = layers.Dense(units, name=name and f"dense_{name}", dtype=dtype, **settings)
    branch = dense(branch)
    branch = branch if scale is None else layers.Rescaling(scale, dtype=dtype)(branch)
    pair = [branch, value] if reverse else [value, branch]
    return layers.Add(name=name and f"sum_{name}", dtype=dtype)(pair)


def net(depth=4, **settings):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    value = layers.Dense(5, name="first")(inputs)
    for k in range(depth):
        value = block(value, str(k), **settings)
    return keras.Model(inputs, layers.Dense(1, "sigmoid", name="out")(value))


def chains_of(net, relax=layers.Add, at="pre_activation"):
    return RelaxedNetwork(net, choose_layers(net, relax), at).chains


# The same numbers


@pytest.mark.parametrize(
    "settings",
    [
        {"targets": raikeras.Learned(refresh_every=2), "count": 23},
        {"targets": raikeras.Learned(optimizer=keras.optimizers.Adam(0.02, epsilon=1e-3))},
        {"targets": raikeras.Learned(storage="host")},
        {"targets": raikeras.Inferred(3, 0.1), "validate": True},
        {"targets": raikeras.Inferred(4)},
        {"targets": raikeras.Gradient(0.5)},
        {"at": "post_activation", "relax": ["first", *[f"sum_{k}" for k in range(4)]]},
        {"weight_step": raikeras.Local(3, proximal=2.0)},
        {
            "targets": raikeras.Gradient(0.5),
            "hidden_loss": raikeras.losses.HalfSquaredError(),
            "weight_step": raikeras.Local(2),
        },
        {"hidden_weight": {"sum_1": 0.3, "sum_2": growing}},
        {"hidden_loss": keras.losses.MeanAbsoluteError(reduction="sum")},
        {"hidden_loss": "matching"},
    ],
    ids=["refresh", "adam_rows", "host", "inferred", "curvature", "gradient"]
    + ["first_too", "local", "gradient_local", "weights", "absolute_sum", "matching"],
)
def test_fused_equals_block_by_block_for_every_choice(settings):
    assert_equal(net, **{**ADDS, **settings})


def test_fused_equals_block_by_block_with_rprop():
    """From rows that have a mismatch: where they have none, signs are those of rounding."""
    weights = []
    for fuse in (True, False):
        model = raikeras.RelaxedModel(net(), fuse=fuse, **ADDS)
        for optimizer, steps in (
            (keras.optimizers.SGD(0.5), 20),
            (raikeras.optimizers.Rprop(0.001), 5),
        ):
            model.compile(optimizer, "binary_crossentropy")
            model.fit(X, Y, batch_size=len(X), epochs=steps, shuffle=False, verbose=0)
        weights.append([*model.get_weights(), *model.targets(np.arange(len(X))).values()])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


FORMS = [
    {"f": None},
    {"scale": None},
    {"f": None, "scale": None},
    {"reverse": True},
    {"activation": "sigmoid"},
    {"use_bias": False},
    {"kernel_regularizer": "l2", "bias_regularizer": keras.regularizers.L1L2(0.01, 0.02)},
    {"kernel_constraint": "non_neg"},
]


def side_by_side(many=FORMS):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((3,))
    ends = []
    for settings in many:
        value = layers.Dense(5, "tanh")(inputs)
        for _ in range(3):
            value = block(value, **settings)
        ends.append(value)
    return keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.Concatenate()(ends)))


@pytest.mark.parametrize("targets", [raikeras.Learned(), raikeras.Gradient(0.5)])
def test_every_form_of_a_block_is_found_and_trains_as_block_by_block(targets):
    assert [len(chain) for chain in chains_of(side_by_side())] == [3] * len(FORMS)
    assert_equal(side_by_side, targets=targets, **ADDS)


def test_bfloat16_rounds_as_block_by_block():
    keras.config.set_dtype_policy("mixed_bfloat16")
    assert [len(chain) for chain in chains_of(net())] == [4]
    assert_equal(net, targets=raikeras.Inferred(3, 0.1), tolerance=2e-2, **ADDS)


def test_with_gradient_the_blocks_train_as_in_plain_keras():
    """The Dense layers are outside of the relaxed ones: backprop is theirs, stacked or not."""

    def wrap(net):
        loss = raikeras.losses.HalfSquaredError()
        settings = {"targets": raikeras.Gradient(), "hidden_loss": loss, "deployed_every": 1}
        model = raikeras.RelaxedModel(net, **settings, **ADDS)
        assert [len(chain) for chain in model.relaxed.network.chains] == [4]
        return model

    assert_trains_as_keras(net, X, Y, wrap=wrap, loss="binary_crossentropy")


def test_one_step_of_predictive_coding_is_that_of_numpy():
    """Two inference steps from the forward pass, then SGD on the energy at what they found."""
    rate, scale, depth = 0.2, 0.4, 3
    net_ = net(depth, use_bias=False, scale=scale)
    net_.layers[-1].activation = keras.activations.linear
    relax = ["first", *[f"sum_{k}" for k in range(depth)]]
    energy = raikeras.losses.HalfSquaredError("sum_over_batch_size")
    model = raikeras.RelaxedModel(
        net_, targets=raikeras.Inferred(2, rate), relax=relax, hidden_loss=energy
    )
    model.compile(keras.optimizers.SGD(0.5), energy)
    assert [len(chain) for chain in model.relaxed.network.chains] == [depth]

    named = {layer.name: layer.get_weights() for layer in net_.layers if layer.weights}
    (first, bias), (last, last_bias) = named["first"], named["out"]
    kernels = [named[f"dense_{k}"][0].astype("float64") for k in range(depth)]
    model.fit(X, Y, batch_size=len(X), verbose=0)

    z = [X @ first + bias]
    for kernel in kernels:
        z.append(z[-1] + scale * np.tanh(z[-1]) @ kernel)
    for _ in range(2):
        errors = [z[0] - X @ first - bias]
        for k, kernel in enumerate(kernels):
            errors.append(z[k + 1] - z[k] - scale * np.tanh(z[k]) @ kernel)
        slopes = list(errors)
        for k, kernel in enumerate(kernels):
            through = (errors[k + 1] @ kernel.T) * (1 - np.tanh(z[k]) ** 2)
            slopes[k] = slopes[k] - errors[k + 1] - scale * through
        slopes[-1] = slopes[-1] - (Y - z[-1] @ last - last_bias) @ last.T
        z = [value - rate * slope for value, slope in zip(z, slopes, strict=True)]
    moved = {}
    for k, kernel in enumerate(kernels):
        error = z[k + 1] - z[k] - scale * np.tanh(z[k]) @ kernel
        moved[f"dense_{k}"] = kernel + 0.5 * scale * np.tanh(z[k]).T @ error / len(X)
    moved["first"] = first + 0.5 * X.T @ (z[0] - X @ first - bias) / len(X)
    moved["out"] = last + 0.5 * z[-1].T @ (Y - z[-1] @ last - last_bias) / len(X)
    for name, kernel in moved.items():
        found = net_.get_layer(name).get_weights()[0]
        np.testing.assert_allclose(found, kernel, rtol=1e-5, atol=1e-6, err_msg=name)
    before = kernels[-2]
    assert np.abs(moved[f"dense_{depth - 2}"] - before).max() > 1e-4


# Which blocks make a chain


def test_the_parts_of_a_chain():
    (chain,) = chains_of(net())
    assert [layer.name for layer in chain.layers] == [f"sum_{k}" for k in range(4)]
    assert [layer.name for layer in chain.dense] == [f"dense_{k}" for k in range(4)]
    assert [type(node.operation).__name__ for node in chain.nodes[:4]] == [
        *("Activation", "Dense", "Rescaling", "Add")
    ]


def test_names_and_predicates_choose_blocks_too():
    some = ["sum_0", "sum_1", "sum_3"]
    for relax in (some, lambda layer: layer.name in some):
        assert [layer.name for layer in chains_of(net(), relax)[0].layers] == some[:2]


@pytest.mark.parametrize("relax", [layers.Dense, (layers.Dense, layers.Add)])
def test_blocks_with_a_target_inside_train_layer_by_layer(relax):
    assert not chains_of(net(), relax)
    assert not chains_of(net(), [f"sum_{k}" for k in range(4)] + [f"dense_{k}" for k in range(4)])


def test_a_chain_of_dense_layers_may_feed_blocks():
    inputs = keras.Input((5,))
    value = layers.Dense(5, "tanh", name="low")(inputs)
    value = layers.Dense(5, "tanh", name="high")(value)
    net = keras.Model(inputs, layers.Dense(1)(block(block(value, "a"), "b")))
    found = chains_of(net, ["low", "high", "sum_a", "sum_b"])
    assert [[layer.name for layer in chain.layers] for chain in found] == [
        ["low", "high"],
        ["sum_a", "sum_b"],
    ]


ODD = [
    {"f": "relu"},
    {"f": None},
    {"scale": 0.5},
    {"scale": None},
    {"activation": "tanh"},
    {"use_bias": False},
    {"kernel_regularizer": "l2"},
    {"activity_regularizer": "l2"},
    {"trainable": False},
    {"dtype": "mixed_bfloat16"},
]


@pytest.mark.parametrize("change", ODD)
def test_a_block_that_differs_ends_a_chain(change):
    inputs = keras.Input((5,))
    value = inputs
    for name in "abcde":
        value = block(value, name, **(change if name == "c" else {}))
    found = chains_of(keras.Model(inputs, value))
    assert [[layer.name for layer in chain.layers] for chain in found] == [
        ["sum_a", "sum_b"],
        ["sum_d", "sum_e"],
    ]


def tapped_sum(value):
    between = block(value)
    return [block(between), layers.Dense(2)(between)]


def sum_is_output(value):
    between = block(value)
    return [between, block(between)]


def tapped_branch(value):
    branch = layers.Dense(5)(layers.Activation("tanh")(value))
    return [block(layers.Add()([value, branch])), layers.Dense(2)(branch)]


def tapped_activation(value):
    before = layers.Activation("tanh")(value)
    return [block(layers.Add()([value, layers.Dense(5)(before)]), scale=None), before]


def shared_dense(value):
    dense = layers.Dense(5)
    for _ in range(2):
        value = layers.Add()([value, dense(layers.Activation("tanh")(value))])
    return value


def shared_sum(value):
    add = layers.Add()
    for _ in range(2):
        value = add([value, layers.Dense(5)(layers.Activation("tanh")(value))])
    return value


def relu_layers(value):
    for _ in range(2):
        value = layers.Add()([value, layers.Dense(5)(layers.ReLU()(value))])
    return value


def three_terms(value):
    for _ in range(2):
        value = layers.Add()([value, value, layers.Dense(5)(value)])
    return value


def other_start(value):
    """The sum takes what stands before the block."""
    for _ in range(2):
        value = layers.Add()([value, layers.Dense(5)(layers.LayerNormalization()(value))])
    return value


def activated_sums(value):
    for _ in range(2):
        value = layers.Activation("tanh")(block(value))
    return value


def rescaled_by_unit(value):
    for _ in range(2):
        value = block(value, scale=np.ones(5, "float32"))
    return value


def wide_branches(value):
    for _ in range(2):
        branch = layers.Dense(5)(layers.Dense(7, "tanh")(value))
        value = layers.Add()([value, branch])
    return value


APART = [tapped_sum, sum_is_output, tapped_branch, tapped_activation, shared_dense, shared_sum]
APART += [relu_layers, three_terms, other_start, activated_sums, rescaled_by_unit, wide_branches]


@pytest.mark.parametrize("build", APART)
def test_other_graphs_train_layer_by_layer(build):
    inputs = keras.Input((5,))
    assert not chains_of(keras.Model(inputs, build(inputs)))


def test_one_activation_may_serve_all_blocks():
    def shared():
        keras.utils.set_random_seed(1)
        inputs, tanh = keras.Input((3,)), layers.Activation("tanh")
        value = layers.Dense(5)(inputs)
        for _ in range(3):
            value = layers.Add()([value, layers.Dense(5)(tanh(value))])
        return keras.Model(inputs, layers.Dense(1, "sigmoid")(value))

    assert [len(chain) for chain in chains_of(shared())] == [3]
    assert_equal(shared, **ADDS)


def test_blocks_in_a_nested_model_and_masked_ones_train_as_block_by_block():
    def build():
        keras.utils.set_random_seed(1)
        inputs, inner = keras.Input((3,)), keras.Input((3,))
        inner = keras.Model(inner, block(block(inner)))(inputs)
        masked = block(block(layers.Masking()(inputs)))
        return keras.Model(inputs, layers.Dense(1, "sigmoid")(layers.Add()([inner, masked])))

    assert [len(chain) for chain in chains_of(build())] == [2, 2]
    assert_equal(build, **ADDS)


# The net stays the user's


def fit(model, epochs=2):
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    return model.fit(X, Y, batch_size=8, epochs=epochs, shuffle=False, verbose=0)


def other_scale(net):
    for layer in net.layers:
        if isinstance(layer, layers.Rescaling):
            layer.scale = 0.1


def other_scale_of_one(net):
    next(layer for layer in net.layers if isinstance(layer, layers.Rescaling)).scale = 0.1


def other_activation(net):
    net.layers[2].activation = keras.activations.sigmoid


def freeze_one(net):
    net.get_layer("dense_1").trainable = False


def freeze_all(net):
    for k in range(4):
        net.get_layer(f"dense_{k}").trainable = False


@pytest.mark.parametrize(
    "change, lengths",
    [
        (other_scale, [4]),
        (other_scale_of_one, [3]),
        (other_activation, [3]),
        (freeze_one, [2]),
        (freeze_all, [4]),
    ],
)
def test_a_net_that_changes_is_followed(change, lengths):
    weights = []
    for fuse in (True, False):
        model = raikeras.RelaxedModel(net(), fuse=fuse, **ADDS)
        fit(model)
        frozen = [layer.get_weights() for layer in model.net.layers]
        change(model.net)
        before = number(model.net(X))
        np.testing.assert_allclose(model.predict(X, verbose=0), before, 1e-5, 1e-6)
        fit(model)
        for layer, old in zip(model.net.layers, frozen, strict=True):
            if not layer.trainable:
                for one, other in zip(layer.get_weights(), old, strict=True):
                    np.testing.assert_array_equal(one, other)
        if fuse:
            assert [len(chain) for chain in model.relaxed.network.chains] == lengths
        rows = model.targets(np.arange(len(X)))
        weights.append([*model.get_weights(), *rows.values()])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_the_net_is_up_to_date_while_it_trains_and_afterwards(tmp_path):
    """Saved and loaded too."""

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            chain = self.model.relaxed.network.chains[0]
            assert chain.attached
            self.seen = [layer.get_weights() for layer in chain.dense]

    model = raikeras.RelaxedModel(net(), targets=raikeras.Inferred(2, 0.1), **ADDS)
    look = Look()
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    count = model.count_params()
    model.fit(X, Y, sample_weight=WEIGHTS, batch_size=8, epochs=2, verbose=0, callbacks=[look])
    assert model.count_params() == count
    for layer, seen in zip(model.relaxed.network.chains[0].dense, look.seen, strict=True):
        for one, other in zip(layer.get_weights(), seen, strict=True):
            np.testing.assert_array_equal(one, other)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert [len(chain) for chain in again.relaxed.network.chains] == [4]
    np.testing.assert_allclose(again.predict(X, verbose=0), number(model.net(X)), 1e-5, 1e-6)


def test_blocks_with_a_constraint_on_norms_say_so():
    constraint = keras.constraints.MaxNorm(0.7)
    model = raikeras.RelaxedModel(net(kernel_constraint=constraint), **ADDS)
    with pytest.warns(UserWarning, match="one by one, for the layers' MaxNorm"):
        fit(model)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch has loops in Python alone")
def test_the_step_does_not_grow_with_the_number_of_blocks(monkeypatch):
    calls = {}
    for depth in (100, 200):
        counted = []
        real = keras.ops.matmul
        monkeypatch.setattr(keras.ops, "matmul", lambda *a, f=real, c=counted: c.append(1) or f(*a))
        model = raikeras.RelaxedModel(net(depth), targets=raikeras.Inferred(1, 0.1), **ADDS)
        built = len(counted)
        model.compile("sgd", "binary_crossentropy")
        model.fit(X, Y, batch_size=24, verbose=0)
        monkeypatch.setattr(keras.ops, "matmul", real)
        calls[depth] = len(counted) - built
    assert calls[100] == calls[200] > 0
