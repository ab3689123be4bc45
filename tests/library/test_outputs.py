"""Several outputs: losses, weights, metrics, labels and columns by name, as in plain Keras."""

import keras
import numpy as np
import pytest
from backprop import as_backprop, trained
from keras import layers

import raikeras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 6)).astype("float32")
A = RNG.normal(size=(16, 2)).astype("float32")
B = RNG.normal(size=(16, 1)).astype("float32")
WEIGHTS = RNG.uniform(0.5, 2, size=(2, 16)).astype("float32")


def as_list():
    inputs = keras.Input((6,))
    hidden = layers.Dense(5, "tanh")(inputs)
    return keras.Model(
        inputs, [layers.Dense(2, name="a")(hidden), layers.Dense(1, name="b")(hidden)]
    )


def as_dict():
    net = as_list()
    return keras.Model(net.inputs, dict(zip("ab", net.outputs, strict=True)))


BY_NAME = {"a": "mse", "b": "mae"}
CASES = {
    "all by name": (BY_NAME, {"loss_weights": {"a": 0.3, "b": 2.0}, "metrics": {"a": ["mae"]}}, {}),
    "as lists": (["mse", "mae"], {"loss_weights": [0.3, 2.0], "metrics": [["mae"], ["mse"]]}, {}),
    "weights of examples": (BY_NAME, {}, {"sample_weight": {"a": WEIGHTS[0], "b": WEIGHTS[1]}}),
    "one weight": (BY_NAME, {"metrics": {"b": "mse"}}, {"sample_weight": WEIGHTS[0]}),
    "weighted metrics": (BY_NAME, {"weighted_metrics": {"b": ["mse"]}}, {}),
}


@pytest.mark.parametrize("build", [as_list, as_dict])
@pytest.mark.parametrize("case", CASES)
def test_outputs_by_name_train_and_log_as_in_plain_keras(build, case):
    loss, compiled, fit = CASES[case]
    if build is as_dict and isinstance(loss, list):
        pytest.skip("Keras takes no lists for a dict of outputs")
    y = [A, B] if isinstance(loss, list) else {"a": A, "b": B}
    if build is as_list and fit:  # Keras takes no dict of labels beside weights here
        several = isinstance(fit["sample_weight"], dict)
        y, fit = [A, B], {"sample_weight": list(WEIGHTS) if several else WEIGHTS[0]}
    settings = {"loss": loss, "compiled": compiled, "fit": fit}
    expected, plain = trained(build, X, y, **settings)
    net, history = trained(build, X, y, as_backprop, **settings)
    for found, wanted in zip(net.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, 1e-5, 1e-6)
    columns = {key for key in history.history if key not in ("task_loss", "hidden_loss")}
    assert columns == {*plain.history, "deployed_loss"}
    for key in set(plain.history) - {"loss"}:  # of the deployed network before each step
        np.testing.assert_allclose(history.history[key], plain.history[key], 1e-4, err_msg=key)


def test_columns_of_outputs_are_the_deployed_networks():
    """Learned targets leave the relaxed path far from it; `evaluate` says the same."""
    net = as_list()
    model = raikeras.RelaxedModel(net, hidden_weight=1e-3, deployed_every=1)
    model.compile(keras.optimizers.SGD(0.5), BY_NAME)
    model.fit(X, {"a": A, "b": B}, batch_size=16, epochs=5, verbose=0)
    wanted = model.evaluate(X, {"a": A, "b": B}, batch_size=16, verbose=0, return_dict=True)
    model.compile(keras.optimizers.SGD(0.0), BY_NAME)
    logs = model.fit(X, {"a": A, "b": B}, batch_size=16, verbose=0).history
    assert set(wanted) == {"loss", "a_loss", "b_loss"}
    for key in ("a_loss", "b_loss"):
        assert logs[key][-1] == pytest.approx(wanted[key], rel=1e-5)
    assert logs["deployed_loss"][-1] == pytest.approx(wanted["loss"], rel=1e-5)
    assert abs(logs["task_loss"][-1] - wanted["loss"]) > 0.01


def test_a_net_without_names_of_outputs_has_none():
    net = keras.Sequential([keras.Input((6,)), layers.Dense(2)])
    assert hasattr(raikeras.RelaxedModel(net), "output_names") == hasattr(net, "output_names")
