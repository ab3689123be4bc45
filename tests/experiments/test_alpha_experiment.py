"""e11: the net as products and trained at once, against plain Keras; its data and measures."""

from pathlib import Path

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("many nets at once need JAX", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
import jax

from experiments.common import vectorised
from experiments.driver import profiles
from experiments.driver.profiles import script_settings
from experiments.e11_relu_alpha import relu_alpha
from raikeras.layers import AlphaNorm

DEFAULTS = script_settings(ROOT / "experiments" / "e11_relu_alpha" / "experiment.py")
TINY = DEFAULTS | {"dataset": "digits", "train_examples": 160, "epochs": 1, "note_every": 1}
TINY |= {"weights": [0.0, 0.6], "learning_rate": 0.1, "batch_size": 16}
VARIANTS = profiles.read(ROOT)["e11_relu_alpha"][1]["variants"]


@pytest.mark.parametrize("side", [16, 28])
def test_products_are_the_keras_net_in_values_and_gradients(side):
    keras.utils.set_random_seed(0)
    net = relu_alpha.network(side)
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(5, side, side)).astype("float32")
    weights = [np.asarray(v.value) for v in net.trainable_variables]
    weights[2::3] = [np.float32(a) for a in (0.1, 0.5, 0.9)]
    direction = rng.normal(size=(5, 10)).astype("float32")

    def of_keras(weights):
        outputs = net.stateless_call(weights, [], x[..., None])[0]
        return (outputs * direction).sum(), outputs

    def of_products(weights):
        outputs = relu_alpha.logits(weights, relu_alpha.patches(x))
        return (outputs * direction).sum(), outputs

    (expected, values), (found, own) = (
        jax.jit(jax.grad(function, has_aux=True))(weights) for function in (of_keras, of_products)
    )
    np.testing.assert_allclose(own, values, atol=1e-5)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("penalty", ["l1", "norm"])
def test_nets_trained_at_once_are_plain_keras_nets_trained_one_by_one(penalty):
    settings = TINY | {"penalty": penalty, "largest_start": 0.3}  # some alphas reach zero
    run = {"variant": "code", "seed": 3, "settings": settings, "printed": np.inf}
    x, y, *_ = relu_alpha.images(settings, 3)
    trained, start = relu_alpha.nets(settings, 3, x.shape[1])
    weights = [np.array(one) for one in trained.weights]
    list(relu_alpha.follow(run, trained, x, y))
    order = vectorised.one_epoch(np.random.default_rng([13, 3]), 2, len(x), 16).reshape(2, -1)
    for number, weight in enumerate(settings["weights"]):
        l1 = keras.regularizers.L1(weight) if penalty == "l1" else None
        net = relu_alpha.network(x.shape[1], l1)
        net.set_weights([one[number] for one in weights])
        np.testing.assert_allclose(np.array(net.get_weights()[2::3]), start[number])
        model = net if l1 else AlphaNorm(net, weight)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(0.1), loss)
        rows = order[number]
        model.fit(x[rows][..., None], y[rows], batch_size=16, shuffle=False, verbose=0)
        for own, expected in zip(trained.weights, net.get_weights(), strict=True):
            np.testing.assert_allclose(own[number], expected, atol=1e-5)
    final = np.array([one for one in trained.weights[2::3]])
    assert (final[:, 1] == 0).any() and final.min() == 0 and final.max() <= 1


def test_penalties_are_the_norms_and_the_l2_norm_has_gradient_zero_at_zero():
    alphas = np.float32([0.3, 0.0, 0.4])
    assert float(relu_alpha.penalty("l1", alphas)) == pytest.approx(0.7)
    assert float(relu_alpha.penalty("norm", alphas)) == pytest.approx(0.5)
    slope = jax.grad(lambda a: relu_alpha.penalty("norm", a))
    np.testing.assert_allclose(slope(alphas), [0.6, 0.0, 0.8], rtol=1e-6)
    np.testing.assert_array_equal(slope(np.zeros(3, "float32")), np.zeros(3))
    with pytest.raises(ValueError, match="l1 or norm. Received: penalty='l2'"):
        relu_alpha.penalty("l2", alphas)


@pytest.mark.parametrize("variant", ["code", "document", "dip"])
def test_a_variant_trains_and_judges_every_net(variant):
    small = {key: TINY[key] for key in ("dataset", "train_examples", "epochs", "note_every")}
    settings = DEFAULTS | VARIANTS[variant] | small
    run = {"variant": variant, "seed": 1, "settings": settings, "printed": np.inf}
    data = relu_alpha.images(settings, 1)
    metrics, curves, status = relu_alpha.train(run, data)
    count, steps = len(settings["weights"]), 160 // 64
    assert status == "ok" and metrics["iterations"] == steps
    assert np.shape(curves["alpha"]) == (count, steps + 1, 3)
    np.testing.assert_allclose(curves["alpha"][:, 0], curves["start"], atol=1e-6)
    np.testing.assert_allclose(curves["alpha"][:, -1], curves["final"], atol=1e-3)
    assert curves["start"].max() <= settings["largest_start"]
    np.testing.assert_allclose(curves["start"] * 20, np.rint(curves["start"] * 20), atol=1e-6)
    same = (curves["start"] == curves["start"][0]).all()
    assert same == settings["paired"]
    assert metrics["test_accuracy"] == pytest.approx(np.mean(curves["test_accuracy"]), abs=1e-4)


def test_accuracy_and_loss_are_those_of_the_keras_net():
    settings = TINY | {"weights": [0.0]}
    *_, x, y = relu_alpha.images(settings, 0)
    trained, _ = relu_alpha.nets(settings, 0, 16)
    net = relu_alpha.network(16)
    net.set_weights([np.array(one[0]) for one in trained.weights])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(loss=loss, metrics=["accuracy"])
    expected = net.evaluate(x[..., None], y, verbose=0)
    found = relu_alpha.judge(trained.weights, x, y)
    np.testing.assert_allclose([found[1][0], found[0][0]], expected, rtol=1e-5)


def test_subsamples_differ_by_seed_unless_one_is_asked_for():
    own = [relu_alpha.images(TINY, seed)[0] for seed in (0, 0, 1)]
    np.testing.assert_array_equal(own[0], own[1])
    assert (own[0] != own[2]).any() and len(own[0]) == 160
    fixed = [relu_alpha.images(TINY | {"subsample_seed": 0}, seed)[0] for seed in (0, 1)]
    np.testing.assert_array_equal(*fixed)
    assert fixed[0].min() == 0 and fixed[0].max() == 1 and fixed[0].shape[1:] == (16, 16)


def test_start_is_the_uniform_one_of_its_fan_in():
    keras.utils.set_random_seed(0)
    weights = relu_alpha.network(28).get_weights()
    for place, fan_in in ((0, 4), (1, 4), (3, 60), (4, 60), (6, 60), (9, 36), (10, 36)):
        scaled = np.abs(weights[place]) * fan_in**0.5
        assert scaled.max() <= 1 and (weights[place].size < 9 or scaled.max() > 0.8)


def test_measures_of_a_hand_made_run():
    weights = np.array([0.0, 0.02, 0.025, 0.05])
    final = np.array([[0.96, 0.5, 0.02], [0.0, 0.0, 0.3], [0.0, 0.5, 0.97], [0.0, 0.05, 0.0]])
    start = np.linspace(0, 0.55, 12).reshape(4, 3)
    found = relu_alpha.measures(weights, start, final)
    zero = np.array([1, 2, 1, 3]) / 3
    assert found["zero_share"] == pytest.approx(zero.mean())
    ranks = np.array([1.5, 3, 1.5, 4])
    assert found["zero_rank_correlation"] == pytest.approx(np.corrcoef([1, 2, 3, 4], ranks)[0, 1])
    assert found["zero_step"] == pytest.approx(-1 / 3)
    assert found["third_at_one"] == 0.25
    assert found["between_share"] == pytest.approx(3 / 12)
    assert found["between_drop"] == pytest.approx((1 / 3 + 1 / 3) / 2)
    one = relu_alpha.measures(weights[1:3], start[1:3], np.zeros((2, 3)))
    assert one["zero_rank_correlation"] is None and one["between_drop"] is None
    assert relu_alpha.rank_correlation([1, 2, 3], [9, 5, 1]) == pytest.approx(-1)
    assert relu_alpha.rank_correlation([1, 2, 3], [4, 4, 4]) == 0
