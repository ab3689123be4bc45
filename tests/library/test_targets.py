"""Target rules: Gradient against backprop, Inferred against NumPy, rules that users write."""

import keras
import numpy as np
import oracle
import pytest
from keras import layers, ops
from transfers import double_precision

import raikeras
from raikeras.losses import HalfSquaredError
from raikeras.rows.layout import by_cut
from raikeras.targets import Targets
from raikeras.training.step import Step

SGD = keras.optimizers.SGD
RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 2)).astype("float32")
Y = (X[:, :1] * X[:, 1:] > 0).astype("float32")


def sigmoid_net(seed=0, units=(5, 4), activation="sigmoid"):
    keras.utils.set_random_seed(seed)
    hidden = [layers.Dense(u, activation) for u in units]
    return keras.Sequential([keras.Input((2,)), *hidden, layers.Dense(1, "sigmoid")])


def rich_net(seed=3, dropout=0.3):
    """Every kind of layer that a target does not reach, and state that a pass could change."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((2,)),
            layers.BatchNormalization(),
            layers.Dense(6, "tanh", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(dropout, seed=5),
            layers.Dense(4, "tanh"),
            layers.Dense(1, "sigmoid"),
        ]
    )


def train(net, optimizer, epochs=1, batch_size=12, compiled=None, **settings):
    settings = {"deployed_every": 0, **settings} if settings else {}
    model = raikeras.RelaxedModel(net, **settings) if settings else net
    model.compile(optimizer, "binary_crossentropy", **(compiled or {}))
    model.fit(X, Y, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0)
    return model


def assert_same_weights(net, expected, rtol=1e-6, atol=1e-7):
    for found, wanted in zip(net.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=atol)


def targets_of(net, rule, loss="binary_crossentropy", x=X, y=Y, **settings):
    """The targets that a rule sets, as arrays (values, fed), those of all layers side by side."""
    model = raikeras.RelaxedModel(net, targets=rule, deployed_every=0, **settings)
    model.compile(SGD(0.1), loss)
    targets = Targets(*rule.set(Step(model, (ops.convert_to_tensor(x), ops.convert_to_tensor(y)))))
    groups = model.relaxed.network.groups

    def flat(tensors):
        parts = by_cut(groups, [ops.convert_to_numpy(tensor) for tensor in tensors])
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)

    return flat(targets.values), None if targets.fed is None else flat(targets.fed)


# Gradient


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size"])
def test_gradient_with_half_squares_is_backprop_at_step_size_times_the_rate(at, reduction):
    expected = sigmoid_net(activation="tanh")
    net = sigmoid_net(activation="tanh")
    start = sigmoid_net(activation="tanh")
    train(expected, SGD(0.2 * 3.0), epochs=3, batch_size=5)
    rule = raikeras.Gradient(3.0)
    loss = HalfSquaredError(reduction)
    train(net, SGD(0.2), epochs=3, batch_size=5, targets=rule, at=at, hidden_loss=loss)
    assert np.abs(net.get_weights()[0] - start.get_weights()[0]).max() > 1e-2
    assert_same_weights(net, expected, rtol=1e-5, atol=1e-6)


def test_gradient_of_one_step_is_backprop_to_rounding():
    start, expected, net = sigmoid_net(), sigmoid_net(), sigmoid_net()
    train(expected, SGD(6.0))
    train(net, SGD(2.0), targets=raikeras.Gradient(3.0), hidden_loss=HalfSquaredError())
    found, wanted, old = (
        np.concatenate([np.ravel(w) for w in each.get_weights()]) for each in (net, expected, start)
    )
    assert np.linalg.norm(found - wanted) < 1e-6 * np.linalg.norm(wanted)
    assert (found != old).all()


def test_layers_that_are_not_relaxed_follow_backprop_at_its_own_rate():
    """The output layer, BatchNormalization before, between and after; dropout masks agree.

    In float64, for normalization makes much of what two programs round differently.
    """
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    with double_precision():
        _layers_that_are_not_relaxed_follow_backprop()


def _layers_that_are_not_relaxed_follow_backprop():
    expected, net = rich_net(), rich_net()
    relaxed = [net.layers[1].name, net.layers[4].name]
    train(expected, SGD(0.3), epochs=3)
    settings = {"hidden_loss": HalfSquaredError(), "relax": relaxed}
    train(net, SGD(0.3), epochs=3, targets=raikeras.Gradient(1.0), **settings)
    assert_same_weights(net, expected, rtol=1e-10, atol=1e-12)
    other = rich_net()
    settings["relax"] = [other.layers[1].name, other.layers[4].name]
    settings["hidden_weight"] = 0.5  # halves the step of relaxed layers and of no other
    start = rich_net()
    once = train(rich_net(), SGD(0.3))
    train(other, SGD(0.3), targets=raikeras.Gradient(1.0), **settings)
    for layer, (new, old, plain) in enumerate(
        zip(other.layers, start.layers, once.layers, strict=True)
    ):
        factor = 0.5 if layer == 4 else 1.0
        if layer == 1:  # its regulariser keeps its own weight
            continue
        for a, b, c in zip(new.weights, old.weights, plain.weights, strict=True):
            if a.trainable:
                a, b, c = (np.array(value) for value in (a, b, c))
                np.testing.assert_allclose(a - b, factor * (c - b), rtol=1e-9, atol=1e-13)


def test_targets_of_gradient_are_finite_differences_of_the_task_loss():
    net = sigmoid_net()
    targets, fed = targets_of(net, raikeras.Gradient(2.0), hidden_loss=HalfSquaredError())
    weights = [np.array(w, "float64") for w in net.get_weights()]
    kernels, biases = weights[::2], weights[1::2]
    forward = oracle.forward(kernels, biases, X.astype("float64"))
    np.testing.assert_allclose(fed, np.concatenate(forward, axis=1), rtol=1e-5, atol=1e-6)

    def loss(value):  # of the rest of the net, from the second layer's value on
        output = oracle.sigmoid(oracle.sigmoid(value) @ kernels[2] + biases[2])
        return -np.mean(Y * np.log(output) + (1 - Y) * np.log(1 - output))

    for example, unit in ((0, 0), (7, 3)):
        shift = np.zeros_like(forward[1])
        shift[example, unit] = 1e-5
        slope = (loss(forward[1] + shift) - loss(forward[1] - shift)) / 2e-5
        moved = fed[example, 5 + unit] - targets[example, 5 + unit]
        assert moved == pytest.approx(2.0 * slope, abs=3e-7)


# Inferred


def numpy_inferred(net, steps, rate, momentum=0.0):
    weights = [np.array(w, "float64") for w in net.get_weights()]
    kernels, biases, x = weights[::2], weights[1::2], X.astype("float64")
    targets = oracle.forward(kernels, biases, x)
    velocity = [np.zeros_like(target) for target in targets]
    for _ in range(steps):
        gradients = oracle.gradients(kernels, biases, targets, x, Y, 0.7)[2]
        for target, speed, gradient in zip(targets, velocity, gradients, strict=True):
            speed[:] = momentum * speed - rate * len(X) * gradient
            target += speed
    return np.concatenate(targets, axis=1)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("steps", [0, 1, 7])
def test_inferred_targets_are_those_of_a_numpy_loop(steps, momentum):
    net = sigmoid_net()
    rule = raikeras.Inferred(steps, optimizer=SGD(0.4, momentum=momentum))
    found, fed = targets_of(net, rule, hidden_weight=0.7)
    assert fed is None
    expected = numpy_inferred(net, steps, 0.4, momentum)
    assert not steps or np.abs(expected - numpy_inferred(net, 0, 0)).max() > 0.1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)


def test_the_path_of_inferred_targets_does_not_depend_on_the_batch():
    rule = raikeras.Inferred(5, 0.4, optimizer="rmsprop")
    whole, _ = targets_of(sigmoid_net(), rule)
    part, _ = targets_of(sigmoid_net(), rule, x=X[3:5], y=Y[3:5])
    np.testing.assert_allclose(part, whole[3:5], rtol=1e-5)


def test_the_step_follows_the_reduction_of_the_hidden_loss():
    net = sigmoid_net()
    mean, _ = targets_of(net, raikeras.Inferred(4, 0.4))
    total, _ = targets_of(
        net,
        raikeras.Inferred(4, 0.4),
        loss=keras.losses.BinaryCrossentropy(reduction="sum"),
        hidden_loss=keras.losses.MeanSquaredError(reduction="sum"),
    )
    np.testing.assert_allclose(total, mean, rtol=1e-5, atol=1e-6)


def test_inferred_with_zero_steps_trains_what_comes_after_the_last_cut_alone():
    start, expected, net = sigmoid_net(), sigmoid_net(), sigmoid_net()
    for layer in expected.layers[:-1]:
        layer.trainable = False
    train(expected, SGD(0.5), epochs=4)
    relax = [layer.name for layer in net.layers[:-1]]
    train(net, SGD(0.5), epochs=4, targets=raikeras.Inferred(0), relax=relax)
    assert_same_weights(net, expected)
    for found, old in zip(net.get_weights()[:4], start.get_weights()[:4], strict=True):
        np.testing.assert_array_equal(found, old)
    assert np.abs(net.get_weights()[4] - start.get_weights()[4]).max() > 1e-3


@pytest.mark.parametrize("weight", [1.0, 10.0, 100.0])
def test_the_mismatch_of_a_linear_net_is_bounded_by_a_constant_over_the_weight(weight):
    """d = target - own solves (W W' + 2 weight / units) d = W r: |d| <= units |W r| / 2 weight."""
    keras.utils.set_random_seed(1)
    net = keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Dense(2)])
    y = RNG.normal(size=(12, 2)).astype("float32")
    first, first_bias, last, last_bias = [np.array(w, "float64") for w in net.get_weights()]
    own = X @ first + first_bias
    pull = (y - own @ last - last_bias) @ last.T
    mismatch = np.linalg.solve(last @ last.T + 2 * weight / 3 * np.eye(3), pull.T).T
    bound = 3 * np.linalg.norm(pull, axis=1) / (2 * weight)
    assert (np.linalg.norm(mismatch, axis=1) <= bound * (1 + 1e-9)).all()
    rate = 1 / np.linalg.eigvalsh(last @ last.T + 2 * weight / 3 * np.eye(3)).max()
    found, _ = targets_of(
        net,
        raikeras.Inferred(300, rate),
        loss="mean_squared_error",
        y=y,
        relax=[net.layers[0].name],
        hidden_weight=weight,
    )
    np.testing.assert_allclose(found - own, mismatch, atol=2e-5)
    assert (np.linalg.norm(found - own, axis=1) <= bound + 2e-5).all()


PAIRS = [
    (raikeras.Inferred(6), raikeras.Local(4, proximal=0.5)),
    (raikeras.Gradient(), raikeras.Joint()),
    (raikeras.Gradient(), raikeras.Local(4)),
]


@pytest.mark.parametrize(("rule", "weight_step"), PAIRS)
def test_inner_loops_leave_metrics_batch_statistics_and_seeds_alone(rule, weight_step):
    """State moves once a batch, as in plain Keras; what it saw does not depend on targets."""
    expected, net = rich_net(), rich_net()
    train(expected, SGD(0.0), epochs=2, batch_size=5, compiled={"metrics": ["accuracy"]})
    model = train(
        net, SGD(0.0), epochs=2, batch_size=5, targets=rule, weight_step=weight_step,
        deployed_every=1, compiled={"metrics": ["accuracy"]},
    )  # fmt: skip
    for found, wanted in zip(net.layers[0].weights, expected.layers[0].weights, strict=True):
        np.testing.assert_allclose(np.array(found), np.array(wanted), rtol=1e-6)
    seeds = [np.array(each.layers[3].seed_generator.state) for each in (net, expected)]
    np.testing.assert_array_equal(*seeds)
    for column in model.relaxed_columns:
        assert float(column.count) == len(X)
    assert len(model.net.losses) == 1


@pytest.mark.parametrize(("rule", "weight_step"), PAIRS[::2])
def test_numbers_do_not_depend_on_how_the_step_is_compiled(rule, weight_step):
    nets = []
    for mode in ({"run_eagerly": True}, {"jit_compile": True}, {"jit_compile": False}):
        # Its epsilon keeps the rounding of gradients next to nothing from becoming a step.
        optimizer = keras.optimizers.Adam(0.01, epsilon=1e-3)
        settings = {"targets": rule, "weight_step": weight_step}
        nets.append(rich_net(dropout=0.0))  # XLA on TensorFlow draws other masks
        train(nets[-1], optimizer, epochs=2, batch_size=5, compiled=mode, **settings)
    assert np.abs(nets[0].get_weights()[4] - rich_net().get_weights()[4]).max() > 1e-3
    assert_same_weights(nets[0], nets[1], rtol=1e-4, atol=1e-5)
    assert_same_weights(nets[0], nets[2], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [raikeras.Inferred, raikeras.Gradient])
def test_rules_without_rows_take_any_data_and_number_none(kind, monkeypatch):
    def forbidden(*args):
        raise AssertionError("hashed")

    monkeypatch.setattr("raikeras.data.fingerprint", forbidden)
    model = raikeras.RelaxedModel(sigmoid_net(), targets=kind(), deployed_every=1)
    model.compile(SGD(0.1), "binary_crossentropy", metrics=["accuracy"])

    def batches():
        while True:
            yield X[:4], Y[:4]

    model.fit(batches(), steps_per_epoch=2, shuffle=False, verbose=0)
    model.fit(X + 1, Y, verbose=0)
    model.fit({"inputs": X, "example_id": np.arange(12, dtype="int32")}, Y, verbose=0)
    model.train_on_batch(X, Y)
    assert model.store is None
    with pytest.raises(ValueError, match=f"keeps rows.*{kind.__name__}"):
        model.targets([0])
    logs = model.fit(X, Y, batch_size=12, verbose=0).history
    assert set(logs) == {"loss", "task_loss", "hidden_loss", "deployed_loss", "accuracy"}


def test_inferred_with_its_defaults_learns_the_digits():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(64, "tanh"), layers.Dense(64, "tanh")]
    net = keras.Sequential([keras.Input((64,)), *hidden, layers.Dense(10, "softmax")])
    model = raikeras.RelaxedModel(net, targets=raikeras.Inferred(), deployed_every=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[:1400], y[:1400], batch_size=50, epochs=8, verbose=0)
    assert (net.predict(x[1400:], verbose=0).argmax(axis=1) == y[1400:]).mean() > 0.9


# Learned


def test_a_refreshed_row_starts_at_the_forward_pass_and_keeps_its_slots():
    """With fixed weights a restart repeats the first gradient, on top of the old momentum."""
    net = sigmoid_net()
    net.trainable = False
    rule = raikeras.Learned(optimizer=SGD(0.5, momentum=0.9), refresh_every=2)
    model = raikeras.RelaxedModel(net, targets=rule, deployed_every=0)
    model.compile(SGD(0.0), "binary_crossentropy")
    momenta = []
    for _ in range(3):
        model.fit(X, Y, batch_size=12, shuffle=False, verbose=0)
        momenta.append(ops.convert_to_numpy(model.store.tables["slot/momentum/0"]).copy())
    np.testing.assert_allclose(momenta[2], 0.9 * momenta[1] + momenta[0], rtol=1e-5, atol=1e-7)
    rows = ops.convert_to_numpy(model.store.tables["targets/0"])
    np.testing.assert_allclose(rows, numpy_inferred(net, 0, 0) + momenta[2], rtol=1e-5, atol=1e-6)
    assert np.abs(momenta[0][:, -1]).min() > 1e-3


# Rules of a user


@keras.saving.register_keras_serializable(package="tests")
class TowardsZero(raikeras.TargetRule):
    """Not in the package: shrunken values, with rules of its own for every method."""

    def __init__(self, factor=0.5):
        self.factor = factor

    def set(self, step):
        values = step.values()
        gradient = step.gradient(lambda at: sum(ops.sum(ops.square(z)) / 2 for z in at), values)
        return [self.factor * slope for slope in gradient]

    def get_config(self):
        return {"factor": self.factor}


def test_a_rule_from_outside_the_package_trains_and_is_saved(tmp_path):
    net = sigmoid_net()
    found, fed = targets_of_plain(net, TowardsZero(0.25))
    np.testing.assert_allclose(found, 0.25 * numpy_inferred(net, 0, 0), rtol=1e-5, atol=1e-6)
    model = train(net, SGD(0.1), epochs=2, targets=TowardsZero(0.25))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.target_rule.factor == 0.25
    loaded.fit(X, Y, verbose=0)


def targets_of_plain(net, rule):
    model = raikeras.RelaxedModel(net, targets=rule, deployed_every=0)
    model.compile(SGD(0.1), "binary_crossentropy")
    values = rule.set(Step(model, (ops.convert_to_tensor(X), ops.convert_to_tensor(Y))))
    return ops.convert_to_numpy(values[0]), None


class Followed(raikeras.RowTargetRule):
    """Rows that start at the forward pass and follow their gradient: `Learned` in a few lines."""

    optimizer = SGD(0.5)

    def owner(self, compiled):
        return self.optimizer

    def set(self, step):
        rows = step.store.gather(step.row_ids)
        new = rows["age"] == 0
        pairs = zip(step.values(), rows["targets"], strict=True)
        rows["targets"] = [ops.where(new, start, row) for start, row in pairs]
        return Targets(rows["targets"], fresh=new, kept=rows)

    def moved(self, step, targets, gradient):
        step.store.step(step.row_ids, targets.kept, gradient, self.optimizer.learning_rate)


@pytest.mark.parametrize("storage", ["device", "host"])
@pytest.mark.parametrize("batch_size", [12, 4])
def test_a_rule_with_rows_from_outside_the_package_is_asked_for_all_that_they_need(
    batch_size, storage
):
    nets = [sigmoid_net() for _ in range(2)]
    rules = Followed(storage=storage), raikeras.Learned(optimizer=SGD(0.5), storage=storage)
    models = [
        train(net, SGD(0.1), epochs=3, batch_size=batch_size, targets=rule)
        for net, rule in zip(nets, rules, strict=True)
    ]
    assert_same_weights(*nets)
    assert models[0].store_bytes() == models[1].store_bytes() > 0
    for found, wanted in zip(*(m.targets(range(12)).values() for m in models), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)
    found, wanted = (rule.get_config() for rule in rules)
    assert found == {key: wanted[key] for key in found}


def test_a_rule_with_rows_that_leaves_something_open_cannot_be_made():
    with pytest.raises(TypeError, match="abstract.*moved.*owner.*set"):
        raikeras.RowTargetRule()


def test_a_rule_without_set_says_what_is_missing():
    class Empty(raikeras.TargetRule):
        pass

    with pytest.raises(NotImplementedError, match=r"`Empty` must implement `set\(step\)`"):
        train(sigmoid_net(), SGD(0.1), targets=Empty())


@pytest.mark.parametrize(
    "rule",
    [
        raikeras.Inferred(3),
        raikeras.Inferred(3, 0.2),
        raikeras.Inferred(0, optimizer=keras.optimizers.Adam(0.1, beta_2=0.5)),
        raikeras.Inferred(2, 0.3, optimizer="adam"),
        raikeras.Gradient(0.7),
    ],
)
def test_rules_survive_saving(rule, tmp_path):
    model = train(sigmoid_net(), SGD(0.1), targets=rule)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.target_rule) is type(rule)
    assert loaded.target_rule.get_config() == rule.get_config()
    assert_same_weights(
        train(loaded.net, SGD(0.1), targets=loaded.target_rule).net,
        train(model.net, SGD(0.1), targets=rule).net,
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: raikeras.Inferred(-1), "`steps` must be an integer of 0 or more.*steps=-1"),
        (lambda: raikeras.Inferred(2.5), "`steps`.*steps=2.5"),
        (lambda: raikeras.Inferred(3, 0.0), "`step_size`.*step_size=0.0"),
        (lambda: raikeras.Inferred(3, float("nan")), "`step_size`.*nan"),
        (lambda: raikeras.Inferred(3, optimizer="lion"), r"Lion.*Inferred\(optimizer"),
        (lambda: raikeras.Inferred(3, optimizer=SGD(clipnorm=1.0)), r"clipnorm.*Inferred"),
        (lambda: raikeras.Gradient(-0.1), "`step_size` must be a positive float.*-0.1"),
        (lambda: raikeras.Gradient(True), "`step_size`.*True"),
        (lambda: raikeras.Gradient("big"), "`step_size`.*big"),
    ],
)
def test_a_bad_setting_of_a_rule_is_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("rule", [raikeras.Inferred(), raikeras.Gradient(), raikeras.Learned()])
def test_optimizers_that_cannot_go_with_targets_are_refused_before_any_step(rule):
    model = raikeras.RelaxedModel(sigmoid_net(), targets=rule)
    model.compile(SGD(0.1, gradient_accumulation_steps=2), "binary_crossentropy")
    with pytest.raises(ValueError, match="gradient_accumulation_steps"):
        model.fit(X, Y, verbose=0)
    assert int(model.optimizer.iterations) == 0


def test_clipping_the_weights_gradient_is_fine_where_no_rows_are_trained():
    for rule in (raikeras.Inferred(3), raikeras.Gradient()):
        net = sigmoid_net()
        start = net.get_weights()
        train(net, SGD(1.0, clipvalue=1e-3), targets=rule)
        for old, new in zip(start, net.get_weights(), strict=True):
            assert np.abs(new - old).max() <= 1e-3 * (1 + 1e-3)
