"""The MLP experiment: backprop, rules, batches, losses, penalties, pruning against NumPy."""

import itertools
import math
from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if keras.backend.backend() != "jax":
    pytest.skip("many nets at once need JAX", allow_module_level=True)

import jax
from scipy.special import softmax
from sklearn.metrics import hinge_loss, log_loss

from experiments.common import vectorised
from experiments.driver import profiles
from experiments.driver.profiles import script_settings
from experiments.e12_mlp import (
    gate_nets,
    gradient_noise,
    linear_nets,
    objectives,
    penalties,
    pruning,
    small_nets,
    starts,
    update_rules,
)
from experiments.e12_mlp.topics import TOPICS

SETTINGS = script_settings(ROOT / "experiments" / "e12_mlp" / "experiment.py")
TINY = SETTINGS | {"hidden_units": [5], "train_examples": 60, "valid_examples": 40, "starts": 2}
TINY |= {"batch_size": 20, "steps": 4, "every": 2, "learning_rates": [0.1, 0.5]}


@pytest.fixture(scope="module")
def data():
    return small_nets.digits(0, TINY)


def some(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


# What the topics share


def test_digits_are_split_once_each_and_by_the_seed(data):
    parts = [data.x_train, data.x_valid, data.x_test]
    assert [len(part) for part in parts] == [60, 40, 1697]
    again, other = small_nets.digits(0, TINY), small_nets.digits(1, TINY)
    np.testing.assert_array_equal(again.x_train, data.x_train)
    assert (other.x_train != data.x_train).any()
    total = sum(part.sum(dtype="float64") for part in parts)
    assert total == pytest.approx(sum(part.sum(dtype="float64") for part in other[::2]))
    with pytest.raises(ValueError, match="Received: 1800 and 40"):
        small_nets.digits(0, TINY | {"train_examples": 1800})


def test_losses_and_accuracies_are_those_of_scikit_learn():
    logits, labels = some(0, 3, 50, 10) * 4, np.arange(50) % 10
    for one, loss, accuracy in zip(
        logits, small_nets.losses(logits, labels), small_nets.accuracies(logits, labels),
        strict=True,
    ):  # fmt: skip
        assert loss == pytest.approx(log_loss(labels, softmax(one, axis=1), labels=range(10)))
        assert accuracy == np.mean(one.argmax(1) == labels)


def test_backprop_by_hand_is_the_gradient_of_the_objective(data):
    """Chain rule block by block, in NumPy, against automatic differentiation."""
    net = small_nets.classifier([5])
    w, b, v, c = weights = [np.float64(x) for x in net.get_weights()]
    x, y = np.float64(data.x_train), data.y_train
    hidden = np.tanh(x @ w + b)
    delta = (softmax(hidden @ v + c, axis=1) - np.eye(10)[y]) / len(x)
    below = (delta @ v.T) * (1 - hidden**2)
    by_hand = [x.T @ below, below.sum(0), hidden.T @ delta, delta.sum(0)]
    objective = small_nets.cross_entropy(net)
    found = jax.grad(objective)([np.float32(a) for a in weights], data.x_train, y, None)
    for one, other in zip(found, by_hand, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_rate_is_chosen_without_the_judged_start():
    area = np.array([[3.0, 3.0, 0.0], [1.0, 2.0, 9.0], [np.inf, 0.0, 0.0]]).ravel()
    tuned = small_nets.choose(area, [0.1, 0.2, 0.3], 3)
    assert tuned == (0.2, False, 5)
    assert small_nets.choose(area[::-1].copy(), [0.1, 0.2, 0.3], 3).at_edge


def test_watch_measures_each_net_before_and_after(data):
    build = lambda: small_nets.classifier([5])  # noqa: E731
    nets, watched, tuned = small_nets.tune(data, build, keras.optimizers.SGD(), TINY, seed=3)
    assert watched.steps.tolist() == [0, 2, 4] and watched.train_loss.shape == (3, 4)
    keras.utils.set_random_seed(small_nets.seeds(3, 2)[1])
    net = build()
    logits = net.predict(data.x_valid, verbose=0)
    wanted = log_loss(data.y_valid, softmax(np.float64(logits), axis=1), labels=range(10))
    assert watched.valid_loss[0, [1, 3]] == pytest.approx([wanted] * 2, rel=1e-5)
    order = small_nets.orders(TINY, 3, 2)
    net.compile(keras.optimizers.SGD(0.5), sparse_entropy())
    for rows in order[1]:
        net.train_on_batch(data.x_train[rows], data.y_train[rows])
    for one, other in zip(net.get_weights(), nets.weights, strict=True):
        np.testing.assert_allclose(one, other[3], atol=1e-6)
    assert tuned.judged in (1, 3)


def sparse_entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def test_orders_show_every_example_once_an_epoch():
    order = small_nets.batches(np.random.default_rng(0), 2, 60, 20, 7)
    assert order.shape == (2, 7, 20)
    for run, epoch in itertools.product(order, (slice(0, 3), slice(3, 6))):
        assert sorted(run[epoch].ravel()) == list(range(60))
    whole = small_nets.orders(TINY | {"batch_size": 0}, 0, 1)
    assert whole.shape == (1, 4, 60)


# Rules


def by_hand(rule, gradients, rate):
    """Moves of one weight by the rules' published formulas, with Keras' constants."""
    w = speed = m = v = total = seen = moved = 0.0
    found = []
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        if rule == "gradient":
            move = -rate * g
        elif rule in ("momentum", "nesterov"):
            speed = 0.9 * speed - rate * g
            move = speed if rule == "momentum" else 0.9 * speed - rate * g
        elif rule == "adagrad":
            total = (total or 0.1) + g * g
            move = -rate * g / math.sqrt(total + 1e-7)
        elif rule == "rmsprop":
            seen = 0.9 * seen + 0.1 * g * g
            move = -rate * g / math.sqrt(seen + 1e-7)
        elif rule == "adadelta":
            seen = 0.95 * seen + 0.05 * g * g
            step = -math.sqrt(moved + 1e-7) / math.sqrt(seen + 1e-7) * g
            moved = 0.95 * moved + 0.05 * step * step
            move = rate * step
        else:
            move = -rate * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-7)
        w += move
        found.append(w)
    return found


@pytest.mark.parametrize("rule", update_rules.RULES)
def test_rule_moves_a_weight_as_its_formula_says(rule):
    gradients, rate = [0.5, -2.0, 1.5, 0.25], 0.05
    weight = keras.Variable([0.0])
    optimizer = update_rules.RULES[rule]()
    optimizer.build([weight])
    optimizer.learning_rate = rate
    found = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor([gradient])])
        found.append(float(weight.value[0]))
    np.testing.assert_allclose(found, by_hand(rule, gradients, rate), rtol=1e-4)


def test_steps_to_a_loss_are_counted_to_the_first_that_has_it():
    steps = np.array([0, 10, 20, 30])
    assert update_rules.steps_to(0.1, steps, [2.0, 0.2, 0.1, 0.3]) == 20
    assert update_rules.steps_to(0.1, steps, [2.0, 0.2, np.nan, 0.3]) is None


# Starts


def test_equal_units_stay_equal_and_others_do_not(data):
    nets, watched = starts.train(data, 0, TINY)
    spread = starts.spreads(nets.weights).reshape(len(starts.STARTS), -1)
    assert watched.train_loss.shape == (3, spread.size)
    for name, values in zip(starts.STARTS, spread, strict=True):
        assert (values == 0).all() if name in ("zero", "constant") else (values > 1e-3).all()
    kernel, _, _, bias = (np.asarray(weight) for weight in nets.weights)
    assert not kernel[:4].any() and bias[:4].any()  # from zero only the last biases move


def test_spread_sees_one_unit_that_differs():
    weights = [np.ones((2, 4, 3)), np.ones((2, 3)), np.ones((2, 3, 5)), np.zeros((2, 5))]
    weights[2][1, 2, 4] = 1.25
    assert starts.spreads(weights).tolist() == [0, 0.25]


# Batches


def test_error_of_batch_gradients_is_what_all_draws_give():
    """Three examples, batches of two: every draw with and without replacement, exactly."""
    gradients = some(0, 3, 4)
    full = gradients.mean(0)
    trace = np.square(gradients - full).sum(1).mean()
    for name, draws in (
        ("with", list(itertools.product(range(3), repeat=2))),
        ("without", list(itertools.permutations(range(3), 2))),
    ):
        errors = [np.square(gradients[list(draw)].mean(0) - full).sum() for draw in draws]
        assert np.mean(errors) == pytest.approx(trace * gradient_noise.shrinkage(name, 2, 3))
        rng = np.random.default_rng(0)
        drawn = gradient_noise._error(rng, name, gradients, full, 2, 20000)
        assert drawn == pytest.approx(np.sqrt(np.mean(errors)), rel=0.02)


def test_mean_of_the_examples_gradients_is_the_full_gradient(data):
    net = small_nets.classifier([5])
    weights = [np.asarray(weight.value) for weight in net.trainable_variables]
    each = gradient_noise.per_example(net, weights, data.x_train, data.y_train)
    whole = jax.grad(small_nets.cross_entropy(net))(weights, data.x_train, data.y_train, None)
    flat = np.concatenate([np.ravel(part) for part in whole])
    assert each.shape == (60, flat.size)
    np.testing.assert_allclose(each.mean(0), flat, atol=1e-6)


# Losses and penalties


def test_losses_are_their_definitions():
    logits, labels = (some(1, 20, 10) * 2).astype("float32"), np.arange(20) % 10
    share, right = softmax(np.float64(logits), axis=1), np.eye(10)[labels]
    found = {name: np.mean(loss(labels, logits)) for name, loss in objectives.LOSSES.items()}
    assert found["cross_entropy"] == pytest.approx(log_loss(labels, share), rel=1e-5)
    assert found["squared"] == pytest.approx(np.square(share - right).sum(1).mean() / 2, rel=1e-5)
    assert found["hinge"] == pytest.approx(hinge_loss(labels, logits), rel=1e-5)


def test_hinge_has_a_subgradient_of_two_entries():
    logits = np.float32([[1.0, 0.5, -3.0] + [-9.0] * 7])
    slope = jax.grad(lambda z: objectives.hinge(np.array([1]), z).sum())(logits)
    np.testing.assert_array_equal(slope[0], [1, -1] + [0] * 8)


def test_penalties_are_sizes_and_half_of_squares_of_kernels(data):
    net = small_nets.classifier([5])
    weights = [np.float32(some(k, *weight.shape)) for k, weight in enumerate(net.weights)]
    batch = data.x_train[:10], data.y_train[:10]
    plain = float(small_nets.cross_entropy(net)(weights, *batch, None))
    found = float(penalties.penalised(net)(weights, *batch, np.float32([0.01, 0.02])))
    kernels = np.concatenate([weights[0].ravel(), weights[2].ravel()])
    wanted = 0.01 * np.abs(kernels).sum() + 0.02 / 2 * np.square(kernels).sum()
    assert found - plain == pytest.approx(wanted, rel=1e-4)


# Pruning and linear nets


def test_masks_cut_the_stated_share_in_the_stated_order():
    weights = [some(0, 6, 5), some(1, 5), some(2, 5, 4), some(3, 4)]
    sizes = np.abs(np.concatenate([weights[0].ravel(), weights[2].ravel()]))
    for order in pruning.ORDERS:
        kept = pruning.masks(weights, 0.3, order, np.random.default_rng(0))
        assert kept[1].all() and kept[3].all()
        flat = np.concatenate([kept[0].ravel(), kept[2].ravel()])
        assert (~flat).sum() == 15
        if order == "tiniest":
            assert sizes[~flat].max() < sizes[flat].min()
        if order == "largest":
            assert sizes[~flat].min() > sizes[flat].max()
    with pytest.raises(ValueError, match="Received: order='none'"):
        pruning.masks(weights, 0.3, "none", None)


def test_pruned_weights_stay_zero_while_the_others_train(data):
    net = small_nets.classifier([5])
    before = [np.asarray(weight.value) for weight in net.trainable_variables]
    cut = pruning.masks(before, 0.5, "tiniest", np.random.default_rng(0))
    cuts = [np.float32(one)[None] for one in cut]
    weights = [weight[None] * one for weight, one in zip(before, cuts, strict=True)]
    momentum = keras.optimizers.SGD(momentum=0.9)
    nets = vectorised.Many(net, momentum, pruning.masked(net), weights, [0.1])
    nets.train(data.x_train, data.y_train, small_nets.orders(TINY, 0, 1), cuts)
    for number in (0, 2):
        after = np.asarray(nets.weights[number][0])
        assert (after[~cut[number]] == 0).all()
        assert (after[cut[number]] != before[number][cut[number]]).any()


def test_linear_net_is_its_collapsed_layer_on_integers():
    assert linear_nets.integer_error(0, [32, 16]) == 0
    kernel, bias = linear_nets.collapse([np.array([[2]]), np.array([1]), np.array([[3]]), [4]])
    assert kernel.tolist() == [[6]] and bias.tolist() == [7]


# Gates and profiles


def test_gates_are_learned_and_exor_not_by_a_perceptron():
    settings = SETTINGS | {"starts": 4, "steps": 300, "learning_rate": 0.1}
    right, _ = gate_nets.train([], 0, settings)
    exor = list(gate_nets.GATES).index("exor")
    assert right[:exor].all() and right[exor].mean(-1).max() <= 0.75
    right, weights = gate_nets.train([4], 0, settings)
    g, c, s = np.argwhere(right.all(-1))[-1]  # recomputed in NumPy: EXOR, coded -1 and 1
    assert (g, c) == (exor, 1)
    w, b, v, d = (weight[g, c, s] for weight in weights)
    x = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    assert ((np.tanh(x @ w + b) @ v + d)[:, 0] > 0).tolist() == [False, True, True, False]


def test_starts_needed_for_one_success():
    assert gate_nets.starts_needed(0.5) == 7  # 1 - 2 ** -7 > .99 > 1 - 2 ** -6
    assert gate_nets.starts_needed(1.0) == 1 and gate_nets.starts_needed(0.0) is None


def test_every_topic_has_a_variant():
    variants = profiles.read(ROOT)["e12_mlp"][1]["variants"]
    topics = {variant["topic"] for variant in variants.values()}
    assert topics == set(TOPICS)
