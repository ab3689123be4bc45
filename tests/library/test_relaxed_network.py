"""The relaxed network: which layers it cuts, and that replaying the forward pass gives it back."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from raikeras.layers import Relaxed
from raikeras.network.relaxed_network import RelaxedNetwork
from raikeras.network.select_layers import choose_layers

RNG = np.random.default_rng(0)


def array(*shape):
    return RNG.normal(size=shape).astype("float32")


def chain():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, "sigmoid", name="first"),
            layers.LayerNormalization(name="norm"),
            layers.Dense(4, "relu", name="second"),
            layers.Dense(2, "softmax", name="out"),
        ]
    )


def names(net, relax):
    return [layer.name for layer in choose_layers(net, relax)]


# The choice of layers


@pytest.mark.parametrize(
    "relax, expected",
    [
        (layers.Dense, ["first", "second", "out"]),
        ((layers.Dense, layers.LayerNormalization), ["first", "norm", "second", "out"]),
        ((layers.LayerNormalization,), ["norm"]),
        (["out", "first"], ["first", "out"]),
        (("second",), ["second"]),
        (lambda layer: getattr(layer, "units", 0) > 3, ["first", "second"]),
        ((), []),
        ([], []),
    ],
)
def test_layers_are_chosen_in_the_order_of_the_net(relax, expected):
    assert names(chain(), relax) == expected


def test_marked_layers_are_added_to_every_choice_but_the_empty_one():
    net = keras.Sequential(
        [
            keras.Input((3,)),
            Relaxed(layers.LayerNormalization(name="norm"), name="mark"),
            layers.Dense(2, name="dense"),
            layers.Dense(1, name="out"),
        ]
    )
    assert names(net, layers.Dense) == ["norm", "dense", "out"]
    assert names(net, ["out"]) == ["norm", "out"]
    assert names(net, Relaxed) == ["norm"]
    assert names(net, ["mark"]) == ["norm"]
    assert names(net, ["mark", "dense"]) == ["norm", "dense"]
    assert names(net, ()) == []


def test_layers_of_nested_models_and_wrappers_are_found():
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(3, name="inner")])
    wrapped = layers.TimeDistributed(layers.Dense(2, name="wrapped"))
    net = keras.Sequential([keras.Input((4, 3)), layers.TimeDistributed(inner), wrapped])
    assert set(names(net, layers.Dense)) == {"inner", "wrapped"}


@pytest.mark.parametrize(
    "relax, kind, words",
    [
        (["first", "nope"], ValueError, r"`relax`.*\['nope'\], which do not exist.*second"),
        (layers.Conv2D, ValueError, "`relax` matches no layer.*Dense"),
        (lambda layer: False, ValueError, r"`relax` matches no layer.*relax=\(\)"),
        ("first", TypeError, "`relax` must be.*relax='first'"),
        (3, TypeError, "`relax` must be.*relax=3"),
        (None, TypeError, "`relax` must be.*relax=None"),
        ([layers.Dense, "first"], TypeError, "`relax` must be"),
    ],
)
def test_a_bad_choice_is_named(relax, kind, words):
    with pytest.raises(kind, match=words):
        choose_layers(chain(), relax)


# Record and replay


def shared():
    inputs = keras.Input((4,))
    twice = layers.Dense(4, "tanh", name="twice")
    return keras.Model(inputs, layers.Dense(1, name="out")(twice(twice(inputs)))), array(7, 4)


def branches():
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    left = layers.Dense(5, "relu", name="left")(a)
    skip = layers.Add(name="sum")([left, layers.Dense(5, "tanh", name="right")(b)])
    both = layers.Concatenate()([skip, b])
    outputs = {
        "p": layers.Dense(1, "sigmoid", name="p")(both),
        "q": layers.Dense(2, name="q")(skip),
    }
    return keras.Model({"a": a, "b": b}, outputs), {"a": array(7, 4), "b": array(7, 3)}


def convolutions():
    net = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(3, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(2, activation="tanh", name="depthwise"),
            layers.Flatten(),
            layers.Dense(1, name="out"),
        ]
    )
    return net, array(7, 6, 6, 2)


def nested():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, "tanh", name="inner")])
    inputs = keras.Input((4,))
    return keras.Model(inputs, layers.Dense(1, name="out")(inner(inner(inputs)))), array(7, 4)


def marked():
    net = keras.Sequential(
        [
            keras.Input((4,)),
            Relaxed(layers.Dense(5, "sigmoid", name="marked")),
            layers.Dense(1, activation=layers.LeakyReLU(), name="out"),
        ]
    )
    return net, array(7, 4)


def sequence():
    net = keras.Sequential(
        [keras.Input((3, 4)), layers.Dense(5, "tanh", name="steps"), layers.LSTM(2, name="lstm")]
    )
    return net, array(7, 3, 4)


CASES = {
    "chain": (lambda: (chain(), array(7, 6)), {"first": (5,), "second": (4,), "out": (2,)}),
    "one layer": (lambda: (chain(), array(7, 6)), {"second": (4,)}),
    "shared": (shared, {"twice": (4,), "twice:2": (4,), "out": (1,)}),
    "branches": (branches, {"left": (5,), "right": (5,), "p": (1,), "q": (2,)}),
    "merged": (branches, {"left": (5,), "sum": (5,), "q": (2,)}),
    "convolutions": (convolutions, {"conv": (4, 4, 3), "depthwise": (1, 1, 3), "out": (1,)}),
    "nested": (nested, {"inner": (4,), "inner:2": (4,), "out": (1,)}),
    "marked": (marked, {"marked": (5,), "out": (1,)}),
    "sequence": (sequence, {"steps": (3, 5)}),
}


def network_of(case, at):
    make, shapes = CASES[case]
    keras.utils.set_random_seed(1)
    net, inputs = make()
    chosen = sorted({name.split(":")[0] for name in shapes})
    return net, inputs, RelaxedNetwork(net, choose_layers(net, chosen), at)


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
@pytest.mark.parametrize("case", CASES)
def test_cuts_have_the_name_and_shape_of_each_call(case, at):
    _, _, network = network_of(case, at)
    assert {cut.name: cut.shape for cut in network.cuts} == CASES[case][1]
    assert network.size == sum(int(np.prod(shape)) for shape in CASES[case][1].values())


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
@pytest.mark.parametrize("case", CASES)
def test_replaying_the_recorded_pass_gives_the_deployed_outputs_and_no_mismatch(case, at):
    net, inputs, network = network_of(case, at)
    expected = keras.tree.map_structure(ops.convert_to_numpy, net(inputs))
    outputs, values = network.record(inputs)
    replayed, pairs = network.replay(inputs, values, ops.zeros((7, 1), "bool"))
    assert len(pairs) == len(network.cuts)
    for target, own, *_ in pairs:
        np.testing.assert_allclose(
            ops.convert_to_numpy(own), ops.convert_to_numpy(target), rtol=1e-5, atol=1e-6
        )
    for found in (outputs, replayed):
        found = keras.tree.map_structure(ops.convert_to_numpy, found)
        keras.tree.map_structure(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, expected
        )
    # Afterwards the net is as it was.
    after = keras.tree.map_structure(ops.convert_to_numpy, net(inputs))
    keras.tree.map_structure(np.testing.assert_array_equal, after, expected)
    assert not any("call" in vars(cut.layer) for cut in network.cuts)


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
def test_each_layer_is_fed_by_the_target_before_it(at):
    """Against NumPy, with targets that are no forward pass at all."""
    net, inputs, network = network_of("chain", at)
    norm, weights = net.get_layer("norm"), [net.get_layer(n).get_weights() for n in _DENSE]
    targets = [array(7, units) for units in (5, 4, 2)]
    joined = ops.convert_to_tensor(np.concatenate(targets, axis=1))
    outputs, pairs = network.replay(inputs, [joined], ops.zeros((7, 1), "bool"))

    functions = [_sigmoid, lambda z: np.maximum(z, 0), _softmax]
    before = [inputs, *targets[:2]]
    if at == "pre_activation":
        before = [inputs, _sigmoid(targets[0]), functions[1](targets[1])]
    before[1] = ops.convert_to_numpy(norm(before[1]))
    own = [a @ kernel + bias for a, (kernel, bias) in zip(before, weights, strict=True)]
    expected_output = _softmax(targets[2]) if at == "pre_activation" else targets[2]
    if at == "post_activation":
        own = [function(z) for function, z in zip(functions, own, strict=True)]
    for (target, found, *_), theirs, ours in zip(pairs, targets, own, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(target), theirs)
        np.testing.assert_allclose(ops.convert_to_numpy(found), ours, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(outputs), expected_output, rtol=1e-5)


_DENSE = ("first", "second", "out")


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def _softmax(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
def test_layers_may_be_called_by_keyword(at):
    start = keras.Input((4,))
    net = keras.Model(start, keras.layers.Dense(3, "tanh")(inputs=start))
    network = RelaxedNetwork(net, choose_layers(net, keras.layers.Dense), at)
    outputs, pairs = network.replay(array(7, 4), [array(7, 3)], None)
    assert tuple(pairs[0].inputs.shape) == (7, 4) and tuple(outputs.shape) == (7, 3)


def test_without_cuts_replay_is_the_net():
    net = chain()
    network = RelaxedNetwork(net, [], "pre_activation")
    x = array(7, 6)
    outputs, pairs = network.replay(x, [], None)
    assert pairs == [] and network.groups == []
    np.testing.assert_array_equal(ops.convert_to_numpy(outputs), ops.convert_to_numpy(net(x)))


def test_a_failing_call_leaves_the_net_as_it_was():
    net = chain()
    network = RelaxedNetwork(net, choose_layers(net, layers.Dense), "pre_activation")
    x = array(7, 6)
    expected = ops.convert_to_numpy(net(x))
    with pytest.raises(Exception, match="incompatible|expected"):
        network.record(array(7, 5))
    np.testing.assert_array_equal(ops.convert_to_numpy(net(x)), expected)


# Errors


def test_an_unknown_place_is_named():
    with pytest.raises(ValueError, match="`at` must be one of.*at='activation'"):
        RelaxedNetwork(chain(), [], "activation")


def test_a_layer_without_one_pre_activation_is_named():
    net, _ = sequence()
    with pytest.raises(ValueError, match=r"`lstm` \(LSTM\).*post_activation"):
        RelaxedNetwork(net, choose_layers(net, ["lstm"]), "pre_activation")
    cut = RelaxedNetwork(net, choose_layers(net, ["lstm"]), "post_activation").cuts[0]
    assert cut.shape == (2,)


def test_an_input_of_unknown_length_is_refused():
    net = keras.Sequential([keras.Input((None, 4)), layers.Dense(5)])
    with pytest.raises(ValueError, match="fixed shape"):
        RelaxedNetwork(net, choose_layers(net, layers.Dense), "pre_activation")
