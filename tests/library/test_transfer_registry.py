"""`get`, `register`, what they refuse, and transfer functions as activations of saved models."""

import keras
import numpy as np
import pytest
from keras import ops
from transfers import ALL

from raikeras import transfer
from raikeras.losses import MatchingLoss
from raikeras.transfer import registry

A, AHAT = np.random.default_rng(0).uniform(-4, 4, size=(2, 6, 3)).astype("float32")


@pytest.fixture(autouse=True)
def _registry_put_back(monkeypatch):
    monkeypatch.setattr(registry, "_BY_NAME", dict(registry._BY_NAME))
    monkeypatch.setattr(registry, "_BY_FUNCTION", dict(registry._BY_FUNCTION))


def softsign_integral(x):
    return ops.abs(x) - ops.log1p(ops.abs(x))


def register_softsign(**arguments):
    return transfer.register(
        "softsign",
        function=keras.activations.softsign,
        integral=softsign_integral,
        low=-1.0,
        high=1.0,
        **arguments,
    )


NINE = ["step", "linear", "relu", "leaky_relu", "sigmoid", "softmax", "tanh", "arctan", "softplus"]
NINE.append("elu")


@pytest.mark.parametrize("name", NINE)
def test_each_name_finds_its_function_and_so_does_the_activation_of_keras(name):
    found = transfer.get(name)
    assert isinstance(found, transfer.Transfer) and found.name == name
    assert transfer.get(found) is found
    own = getattr(keras.activations, name, None)
    if own is not None:
        of_keras = transfer.get(own)
        assert type(of_keras) is type(found) and of_keras.get_config() == found.get_config()
        x = ops.convert_to_tensor(A)
        np.testing.assert_allclose(found(x), np.array(own(x)), rtol=1e-6, atol=1e-7)


def test_none_is_linear_and_parameters_reach_their_function():
    assert isinstance(transfer.get(None), transfer.Linear)
    assert transfer.get("leaky_relu", beta=0.1).beta == 0.1
    assert transfer.get(keras.activations.elu, beta=2).beta == 2
    assert transfer.get("leaky_relu").beta == 0.2 and transfer.get("relu").beta == 0


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (keras.layers.ReLU(), transfer.LeakyReLU(0.0)),
        (keras.layers.ReLU(negative_slope=0.5), transfer.LeakyReLU(0.5)),
        (keras.layers.LeakyReLU(negative_slope=0.25), transfer.LeakyReLU(0.25)),
        (keras.layers.ELU(alpha=2.0), transfer.ELU(2.0)),
        (keras.layers.Softmax(), transfer.Softmax()),
        (keras.layers.Activation("tanh"), transfer.Tanh()),
        (keras.layers.Activation(transfer.Arctan()), transfer.Arctan()),
    ],
)
def test_activation_layers_have_their_transfer_function_with_its_slope(layer, expected):
    found = transfer.get(layer)
    assert type(found) is type(expected) and found.get_config() == expected.get_config()
    x = ops.convert_to_tensor(A)
    np.testing.assert_allclose(found(x), np.array(layer(x)), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "layer", [keras.layers.ReLU(max_value=6.0), keras.layers.ReLU(threshold=1.0)]
)
def test_a_cut_relu_is_refused(layer):
    with pytest.raises(ValueError, match="max_value=None and threshold=0 .*Received: max_value="):
        transfer.get(layer)


@pytest.mark.parametrize("name", ["gelu", "silu", "swish", "mish", "hard_silu", "hard_swish"])
def test_functions_that_decrease_are_refused_with_the_place(name):
    function = keras.activations.get(name)
    x = np.linspace(-6, 3, 9001).astype("float32")
    turn = x[np.argmin(np.array(function(ops.convert_to_tensor(x))))]
    for identifier in (name, function):
        with pytest.raises(ValueError, match="no convex integral and no matching loss") as raised:
            transfer.get(identifier)
        place = float(str(raised.value).split("x = ")[1].split(",")[0])
        assert place == pytest.approx(turn, abs=3e-3)


@pytest.mark.parametrize("name", ["log_softmax", "glu"])
def test_functions_that_are_no_gradient_are_refused(name):
    for identifier in (name, getattr(keras.activations, name)):
        with pytest.raises(ValueError, match="gradient of no integral"):
            transfer.get(identifier)


@pytest.mark.parametrize(
    "identifier",
    ["softsign", keras.activations.softsign, "selu", "hard_sigmoid", "exponential", np.sin, 3],
)
def test_unknown_ones_say_what_is_known_and_how_to_register(identifier):
    with pytest.raises(ValueError, match="Known: step, linear.*register") as raised:
        transfer.get(identifier)
    assert f"Received: {identifier!r}" in str(raised.value)


def test_parameters_that_do_not_exist_are_refused():
    for identifier in ("sigmoid", "relu", transfer.Tanh()):
        with pytest.raises(ValueError, match=r"Received: \{'beta': 1\}"):
            transfer.get(identifier, beta=1)
    with pytest.raises(ValueError, match="`beta` must be a finite float of 0 or more"):
        transfer.get("leaky_relu", beta=-1)
    with pytest.raises(ValueError, match="`beta` must be a positive float"):
        transfer.get("elu", beta=0)


def test_one_call_adds_a_function_by_its_name_and_by_itself():
    made = register_softsign(inverse=lambda y: y / ops.maximum(1 - ops.abs(y), 1e-6))
    assert transfer.get("softsign") is made
    assert transfer.get(keras.activations.softsign) is made
    a, ahat = A.astype("float64"), AHAT.astype("float64")

    def integral(x):
        return np.abs(x) - np.log1p(np.abs(x))

    expected = integral(ahat) - integral(a) - a / (1 + np.abs(a)) * (ahat - a)
    tensors = ops.convert_to_tensor(A), ops.convert_to_tensor(AHAT)
    np.testing.assert_allclose(made.matching_loss(*tensors), expected.sum(-1), atol=1e-5)
    y = made(tensors[0])
    np.testing.assert_allclose(
        MatchingLoss("softsign", reduction="none")(y, tensors[1]), expected.sum(-1), atol=1e-4
    )
    outside = made.matching_loss_of_output(ops.full_like(y, 2.0), tensors[1])
    assert np.all(np.isfinite(ops.convert_to_numpy(outside)))


def test_a_registered_function_can_bring_its_divergence_and_its_dual():
    made = transfer.register(
        "halved",
        function=lambda x: x / 2,
        integral=lambda x: x**2 / 4,
        divergence=lambda a, ahat: (ahat - a) ** 2 / 4,
        dual=lambda y: y**2,
    )
    a, ahat = ops.convert_to_tensor(A), ops.convert_to_tensor(AHAT)
    expected = ((AHAT - A) ** 2 / 4).sum(-1)
    np.testing.assert_allclose(made.matching_loss(a, ahat), expected, rtol=1e-6)
    np.testing.assert_allclose(made.matching_loss_of_output(a / 2, ahat), expected, atol=1e-5)
    np.testing.assert_allclose(made.dual(a), (A**2).sum(-1), rtol=1e-6)


def test_without_a_dual_and_an_inverse_outputs_are_refused():
    made = register_softsign()
    assert not made.has_dual and not made.has_inverse
    with pytest.raises(NotImplementedError, match="`inverse` and `dual`"):
        made.matching_loss_of_output(A, AHAT)


def test_names_and_functions_that_are_taken_are_refused_unless_overwritten():
    with pytest.raises(ValueError, match="'tanh' is registered"):
        transfer.register("tanh", keras.activations.softsign, softsign_integral)
    with pytest.raises(ValueError, match="'relu' is registered"):
        transfer.register("mine", keras.activations.relu, lambda x: ops.relu(x) ** 2 / 2)
    first = register_softsign()
    with pytest.raises(ValueError, match="overwrite=True"):
        register_softsign()
    second = register_softsign(overwrite=True)
    assert transfer.get(keras.activations.softsign) is second is not first


@pytest.mark.parametrize(
    ("function", "integral", "message"),
    [
        (ops.sin, lambda x: -ops.cos(x), "must be nondecreasing.*decreases at x = -4.7"),
        (ops.silu, lambda x: x, "must be nondecreasing"),
        (ops.tanh, lambda x: x**2 / 2, "`integral` of 'mine' must have the slope"),
        (ops.tanh, ops.tanh, "must have the slope"),
        (ops.log, lambda x: x, "finite number"),
        (lambda x: ops.sum(x), lambda x: x, "finite number"),
        (lambda x: x - ops.mean(x, axis=-1, keepdims=True), lambda x: x, "each unit alone"),
    ],
)
def test_what_is_no_transfer_function_is_refused_at_registration(function, integral, message):
    with pytest.raises(ValueError, match=message):
        transfer.register("mine", function, integral)
    with pytest.raises(ValueError, match="Known"):
        transfer.get("mine")


@pytest.mark.parametrize("name", [name for name in ALL if name != "softmax"])
def test_the_check_at_registration_passes_the_nine(name):
    one = ALL[name]
    transfer.register("mine", lambda x: one(x), lambda x: one.integral(ops.expand_dims(x, -1)))


@pytest.mark.parametrize("identifier", ["arctan", "elu", "step", "softsign"])
def test_a_layer_with_a_transfer_function_survives_its_file(identifier, tmp_path):
    register_softsign()
    net = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, activation=transfer.get(identifier))]
    )
    net.save(tmp_path / "net.keras")
    again = keras.saving.load_model(tmp_path / "net.keras")
    found = again.layers[-1].activation
    assert type(found) is type(transfer.get(identifier)) and found.name == identifier
    np.testing.assert_array_equal(again.predict(A, verbose=0), net.predict(A, verbose=0))


def test_a_registered_function_that_is_missing_at_loading_says_so(monkeypatch):
    loss = MatchingLoss(register_softsign())
    config = keras.saving.serialize_keras_object(loss)
    monkeypatch.delitem(registry._BY_NAME, "softsign")
    with pytest.raises((ValueError, TypeError), match="raikeras.transfer.register"):
        keras.saving.deserialize_keras_object(config)


@pytest.mark.parametrize("name", list(ALL))
def test_every_transfer_function_survives_its_config(name):
    config = keras.saving.serialize_keras_object(ALL[name])
    for again in (keras.saving.deserialize_keras_object(config), transfer.get(config)):
        assert type(again) is type(ALL[name]) and repr(again) == repr(ALL[name])
