"""Weight steps: Local against NumPy and against Joint, and what is counted in which steps."""

import keras
import numpy as np
import oracle
import pytest
from keras import layers, ops

import raikeras
from raikeras.losses import HalfSquaredError

SGD = keras.optimizers.SGD
RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 2)).astype("float32")
Y = (X[:, :1] * X[:, 1:] > 0).astype("float32")


def sigmoid_net(seed=0):
    keras.utils.set_random_seed(seed)
    hidden = [layers.Dense(5, "sigmoid"), layers.Dense(4, "sigmoid")]
    return keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(1, "sigmoid")])


def train(optimizer, epochs=1, batch_size=12, **settings):
    settings = {"deployed_every": 0, **settings}
    model = raikeras.RelaxedModel(sigmoid_net(), **settings)
    model.compile(optimizer, "binary_crossentropy")
    fit = {"batch_size": batch_size, "shuffle": False, "verbose": 0}
    return model, model.fit(X, Y, epochs=epochs, **fit).history


@pytest.mark.parametrize("proximal", [None, 0.5])
def test_local_steps_on_learned_targets_are_those_of_numpy(proximal):
    """Rows move by their gradient at the first point; the local steps see them unmoved."""
    steps, rate = 4, 0.4
    model, history = train(SGD(rate), epochs=3, weight_step=raikeras.Local(steps, proximal))
    weights = [np.array(w, "float64") for w in sigmoid_net().get_weights()]
    kernels, biases, x = weights[::2], weights[1::2], X.astype("float64")
    targets = oracle.forward(kernels, biases, x)
    for epoch in range(3):
        losses = oracle.losses(kernels, biases, targets, x, Y, 1.0)
        assert history["loss"][epoch] == pytest.approx(sum(losses), rel=1e-5)
        start = [value.copy() for value in kernels + biases]
        by_target = oracle.gradients(kernels, biases, targets, x, Y, 1.0)[2]
        for _ in range(steps):
            by_kernel, by_bias, _ = oracle.gradients(kernels, biases, targets, x, Y, 1.0)
            for value, old, gradient in zip(
                kernels + biases, start, by_kernel + by_bias, strict=True
            ):
                value -= rate * (gradient + ((value - old) / proximal if proximal else 0))
        for target, gradient in zip(targets, by_target, strict=True):
            target -= rate * gradient
    found = model.net.get_weights()
    for value, expected in zip(found[::2] + found[1::2], kernels + biases, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
    for rows, target in zip(model.targets(np.arange(12)).values(), targets, strict=True):
        np.testing.assert_allclose(rows, target, rtol=1e-5, atol=1e-6)
    assert int(model.optimizer.iterations) == 3 * steps


def test_many_local_steps_minimise_the_local_problem_of_a_linear_layer():
    """LocoProp-S: min 1/2 ||x W - target||^2 + 1/(2 proximal) ||W - W0||^2, in closed form."""
    keras.utils.set_random_seed(1)
    net = keras.Sequential([keras.Input((2,)), layers.Dense(3, use_bias=False)])
    start, y = net.get_weights()[0], RNG.normal(size=(12, 3)).astype("float32")
    step_size, proximal = 6.0, 0.1
    model = raikeras.RelaxedModel(
        net,
        targets=raikeras.Gradient(step_size),
        hidden_loss=HalfSquaredError(),
        weight_step=raikeras.Local(400, proximal),
        deployed_every=0,
    )
    matrix = X.T @ X + np.eye(2) / proximal
    model.compile(SGD(1 / np.linalg.eigvalsh(matrix).max()), "mean_squared_error")
    model.fit(X, y, batch_size=12, verbose=0)
    own = X @ start
    target = own - step_size * 2 * (own - y) / y.size
    expected = np.linalg.solve(matrix, X.T @ target + start / proximal)
    assert np.abs(expected - start).max() > 0.05
    np.testing.assert_allclose(net.get_weights()[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "rule",
    [raikeras.Learned(), raikeras.Inferred(3), raikeras.Gradient()],
    ids=lambda rule: type(rule).__name__,
)
def test_one_local_step_is_joint(rule):
    both = []
    for weight_step in (raikeras.Joint(), raikeras.Local(1, proximal=0.1)):
        settings = {"targets": rule, "weight_step": weight_step}
        both.append(train(keras.optimizers.Adam(0.05), 3, batch_size=5, **settings))
    for joint, local in zip(both[0][0].get_weights(), both[1][0].get_weights(), strict=True):
        np.testing.assert_array_equal(local, joint)
    assert both[0][1] == both[1][1]


def test_local_steps_without_relaxed_layers_repeat_the_batch():
    """Plain Keras on every batch three times; without state nothing else differs."""
    model, _ = train(SGD(0.3), epochs=2, batch_size=12, relax=(), weight_step=raikeras.Local(3))
    expected = sigmoid_net()
    expected.compile(SGD(0.3), "binary_crossentropy")
    expected.fit(X, Y, batch_size=12, epochs=6, shuffle=False, verbose=0)
    for found, wanted in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_training_steps_are_batches_whatever_the_number_of_local_steps():
    """Schedules of hidden weight and targets, and the measuring, count batches, not updates."""
    seen = {}
    for name, weight_step in {"joint": raikeras.Joint(), "local": raikeras.Local(5)}.items():
        growth = keras.optimizers.schedules.ExponentialDecay(1.0, 1, 2.0)
        targets = raikeras.Learned(optimizer=SGD(growth))
        # Weights that stay: rows and hidden weights then tell the counts alone.
        model, history = train(
            SGD(0.0), 6, hidden_weight=growth, targets=targets, deployed_every=3,
            weight_step=weight_step,
        )  # fmt: skip
        rows = np.concatenate(list(model.targets(np.arange(12)).values()), axis=1)
        seen[name] = (history, rows, int(model.optimizer.iterations))
    assert (seen["joint"][2], seen["local"][2]) == (6, 30)
    for key, values in seen["joint"][0].items():
        np.testing.assert_allclose(seen["local"][0][key], values, rtol=1e-5, err_msg=key)
    assert seen["joint"][0]["hidden_loss"][5] > 0
    np.testing.assert_allclose(seen["local"][1], seen["joint"][1], rtol=1e-5, atol=1e-7)


def test_a_learning_rate_schedule_of_the_weights_counts_local_steps():
    ends = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.5, 0.0])  # three updates
    settings = {"targets": raikeras.Inferred(2)}
    longer, _ = train(SGD(ends), weight_step=raikeras.Local(7), **settings)
    three, _ = train(SGD(0.5), weight_step=raikeras.Local(3), **settings)
    for found, wanted in zip(longer.get_weights(), three.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)


class Difference(raikeras.WeightStep):
    """Moves the weights by what two looks at one and the same gradient differ."""

    def apply(self, step, gradients):
        again = step.weight_gradients()
        pairs = zip(gradients, again, strict=True)
        step.optimizer.apply([ops.convert_to_tensor(a) - b for a, b in pairs], step.weights)


@pytest.mark.parametrize("rule", [raikeras.Gradient(), raikeras.Learned()], ids=["G", "L"])
def test_later_steps_see_the_dropout_masks_and_batch_statistics_of_the_first(rule):
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(8, "tanh"), layers.BatchNormalization(), layers.Dropout(0.5, seed=1)]
    net = keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(4, "tanh"), layers.Dense(1)])
    start = [ops.convert_to_numpy(w) for w in net.trainable_weights]
    model = raikeras.RelaxedModel(
        net, targets=rule, relax=layers.Dense, weight_step=Difference(), deployed_every=0
    )
    model.compile(SGD(1.0), "mean_squared_error")
    model.fit(X, Y, batch_size=6, epochs=2, shuffle=False, verbose=0)
    for old, new in zip(start, net.trainable_weights, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(new), old, atol=2e-7)


def test_local_survives_saving(tmp_path):
    model, _ = train(SGD(0.1), weight_step=raikeras.Local(3, proximal=0.25))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.weight_step, raikeras.Local)
    assert (loaded.weight_step.steps, loaded.weight_step.proximal) == (3, 0.25)
    loaded.fit(X, Y, batch_size=12, verbose=0)
    assert int(loaded.optimizer.iterations) == 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((0,), "`steps` must be a positive integer. Received: steps=0"),
        ((1.5,), "`steps`.*1.5"),
        ((True,), "`steps`.*True"),
        ((2, 0.0), "`proximal` must be a positive float or None. Received: proximal=0.0"),
        ((2, float("inf")), "`proximal`.*inf"),
        ((2, "near"), "`proximal`.*near"),
    ],
)
def test_a_bad_setting_of_local_is_named(settings, words):
    with pytest.raises(ValueError, match=words):
        raikeras.Local(*settings)


def test_a_weight_step_of_a_user_is_taken():
    class Signs(raikeras.WeightStep):
        def apply(self, step, gradients):
            step.optimizer.apply([ops.sign(gradient) for gradient in gradients], step.weights)

    start = sigmoid_net().get_weights()
    model, _ = train(SGD(0.125), targets=raikeras.Gradient(), weight_step=Signs())
    for old, new in zip(start, model.get_weights(), strict=True):
        np.testing.assert_allclose(np.abs(new - old), 0.125, rtol=1e-5)
