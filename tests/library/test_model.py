"""RelaxedModel: a NumPy oracle of its step, equality with plain Keras, logs, rows, saving."""

import json
import subprocess
import sys

import keras
import numpy as np
import oracle
import pytest

import raikeras
from raikeras.training.step import Step


def moons_like(count=70, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2)).astype("float32")
    return x, (x[:, :1] * x[:, 1:] > 0).astype("float32")


def small_net(seed=0, units=(5, 4), activation="sigmoid"):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(u, activation) for u in units]
    return keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1, "sigmoid")])


def parameters(net):
    return [np.array(w, "float64") for w in net.get_weights()]


@pytest.mark.parametrize("hidden_weight", [1.0, 0.3])
def test_full_batch_steps_equal_the_numpy_oracle(hidden_weight):
    x, y = moons_like()
    net = small_net()
    weights, rate = parameters(net), 0.5
    kernels, biases = weights[::2], weights[1::2]
    targets = oracle.forward(kernels, biases, x.astype("float64"))
    model = raikeras.RelaxedModel(net, hidden_weight=hidden_weight)
    model.compile(keras.optimizers.SGD(rate), "binary_crossentropy")
    history = model.fit(x, y, batch_size=len(x), shuffle=False, epochs=4, verbose=0).history
    for step in range(4):
        task, hidden = oracle.losses(kernels, biases, targets, x, y, hidden_weight)
        assert history["task_loss"][step] == pytest.approx(task, rel=1e-5)
        assert history["hidden_loss"][step] == pytest.approx(hidden, rel=1e-4, abs=1e-9)
        groups = oracle.gradients(kernels, biases, targets, x, y, hidden_weight)
        for values, steps in zip((kernels, biases, targets), groups, strict=True):
            for value, gradient in zip(values, steps, strict=True):
                value -= rate * gradient
    for found, expected in zip(parameters(net)[::2], kernels, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    rows = model.targets(np.arange(len(x)))
    for found, expected in zip(rows.values(), targets, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_oracle_gradients_are_finite_differences():
    x, y = moons_like(6)
    rng = np.random.default_rng(1)
    kernels, biases = [rng.normal(size=s) for s in ((2, 3), (3, 1))], [np.zeros(3), np.zeros(1)]
    targets = [rng.normal(size=(6, 3)), rng.normal(size=(6, 1))]
    groups = oracle.gradients(kernels, biases, targets, x, y, 0.7)
    for values, steps in zip((kernels, biases, targets), groups, strict=True):
        for value, gradient in zip(values, steps, strict=True):
            before = value.flat[1 % value.size]
            ends = []
            for shift in (1e-5, -1e-5):
                value.flat[1 % value.size] = before + shift
                ends.append(sum(oracle.losses(kernels, biases, targets, x, y, 0.7)))
            value.flat[1 % value.size] = before
            slope = (ends[0] - ends[1]) / 2e-5
            assert gradient.flat[1 % value.size] == pytest.approx(slope, abs=1e-8)


def rich_net():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(6, "relu", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.2, seed=5),
            keras.layers.Dense(4, "tanh", activity_regularizer="l1", kernel_constraint="non_neg"),
            keras.layers.Dense(1, "sigmoid"),
        ]
    )


def test_nothing_relaxed_is_plain_keras():
    x, y = moons_like()
    sample_weight = np.linspace(0.1, 2, len(x))
    plain, relaxed = rich_net(), rich_net()
    model = raikeras.RelaxedModel(relaxed, relax=())
    logs = []
    for trained in (plain, model):
        keras.utils.set_random_seed(7)
        trained.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        history = trained.fit(
            x,
            y,
            batch_size=32,  # 70 examples: the last batch has 6
            epochs=3,
            shuffle=False,
            sample_weight=sample_weight,
            class_weight=None,
            validation_data=(x[:20], y[:20]),
            verbose=0,
        )
        logs.append(history.history)
    assert set(logs[0]) == set(logs[1])
    for key in logs[0]:
        np.testing.assert_allclose(logs[0][key], logs[1][key], rtol=1e-6, err_msg=key)
    for expected, found in zip(plain.get_weights(), relaxed.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


def test_deployed_columns_are_those_of_evaluate():
    x, y = moons_like()
    model = raikeras.RelaxedModel(rich_net())
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=len(x), shuffle=False, epochs=5, verbose=0)
    loss, accuracy = model.evaluate(x, y, batch_size=len(x), verbose=0)
    logs = model.fit(x, y, batch_size=len(x), shuffle=False, epochs=1, verbose=0).history
    assert set(logs) == {"loss", "task_loss", "hidden_loss", "deployed_loss", "accuracy"}
    assert logs["deployed_loss"][0] == pytest.approx(loss, rel=1e-5)
    assert logs["accuracy"][0] == pytest.approx(accuracy)
    assert logs["loss"][0] == pytest.approx(logs["task_loss"][0] + logs["hidden_loss"][0], rel=1e-5)


def test_deployed_columns_are_means_over_the_measured_steps():
    """Every third step and the first one of an epoch; the weights stand still, to tell which."""
    x, y = moons_like(40)
    logs = []
    for every in (3, 0):
        model = raikeras.RelaxedModel(small_net(), deployed_every=every)
        model.compile(keras.optimizers.SGD(0.0), "binary_crossentropy", metrics=["accuracy"])
        logs.append(model.fit(x, y, batch_size=10, shuffle=False, epochs=2, verbose=0).history)
    batches = [slice(10 * i, 10 * i + 10) for i in range(4)]
    loss, accuracy = zip(*(model.evaluate(x[i], y[i], verbose=0) for i in batches), strict=True)
    assert len({round(value, 4) for value in loss}) == 4
    for epoch, measured in enumerate([(0, 3), (0, 2)]):  # of the steps 0 to 3, 4 to 7
        for name, values in (("deployed_loss", loss), ("accuracy", accuracy)):
            expected = np.mean([values[batch] for batch in measured])
            assert logs[0][name][epoch] == pytest.approx(expected, rel=1e-5)
    assert set(logs[1]) == {"loss", "task_loss", "hidden_loss"}
    np.testing.assert_allclose(logs[0]["loss"], logs[1]["loss"], rtol=1e-6)


def test_mini_batches_in_any_order_move_each_row_by_its_own_gradient():
    x, y = moons_like(20)
    order = np.random.default_rng(0).permutation(20)
    rows = []
    for places in (np.arange(20), order):
        # With weights that do not move, each row's path is its own, whatever its batch.
        net = small_net()
        model = raikeras.RelaxedModel(
            net, targets=raikeras.Learned(optimizer=keras.optimizers.Adam(0.1))
        )
        net.trainable = False
        model.compile(keras.optimizers.SGD(0.0), keras.losses.BinaryCrossentropy(reduction="sum"))
        data = {"inputs": x[places], "example_id": places.astype("int32")}
        model.fit(data, y[places], batch_size=5, shuffle=False, epochs=6, verbose=0)
        rows.append(model.targets(np.arange(20)))
        start = net.layers[0].get_weights()
        start = x @ start[0] + start[1]
    for in_order, shuffled in zip(rows[0].values(), rows[1].values(), strict=True):
        np.testing.assert_allclose(in_order, shuffled, atol=1e-6)
    assert np.abs(next(iter(rows[0].values())) - start).max() > 0.01  # the rows did move


def test_refresh_starts_rows_again_at_the_forward_pass():
    x, y = moons_like()
    model = raikeras.RelaxedModel(small_net(), targets=raikeras.Learned(refresh_every=3))
    model.compile(raikeras.optimizers.Rprop(0.1), "binary_crossentropy")
    hidden = model.fit(x, y, batch_size=len(x), epochs=8, verbose=0).history["hidden_loss"]
    assert [value == 0 for value in hidden] == [True, False, False] * 2 + [True, False]


def test_fit_again_continues_and_other_data_is_refused():
    x, y = moons_like()
    halves, whole = (raikeras.RelaxedModel(small_net()) for _ in range(2))
    for model in (halves, whole):
        model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    losses = [
        halves.fit(x, y, batch_size=70, epochs=3, verbose=0).history["loss"] for _ in range(2)
    ]
    expected = whole.fit(x, y, batch_size=70, epochs=6, verbose=0).history["loss"]
    np.testing.assert_allclose(np.concatenate(losses), expected, rtol=1e-5)
    before = halves.net.get_weights()
    with pytest.raises(ValueError, match="reset_targets"):
        halves.fit(x + 1, y, verbose=0)
    for old, new in zip(before, halves.net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    halves.reset_targets()
    halves.fit(x[:30], y[:30], epochs=1, verbose=0)
    assert halves.store.num_examples == 30


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch traces no step")
@pytest.mark.parametrize("metrics", [None, ["accuracy"]])
def test_a_step_is_traced_once(metrics, monkeypatch):
    """TensorFlow would trace one that makes the metrics' and the optimizer's variables again."""
    traces, run = [], Step.run
    monkeypatch.setattr(Step, "run", lambda self: traces.append(self) or run(self))
    model = raikeras.RelaxedModel(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=metrics)
    x = np.zeros((8, 2), "float32")
    for _ in range(2):
        model.fit(x, x[:, :1], batch_size=4, epochs=2, verbose=0)
    assert len(traces) == 1


def test_store_is_not_a_weight(tmp_path):
    x, y = moons_like()
    net = small_net()
    count = net.count_params()
    model = raikeras.RelaxedModel(net, targets=raikeras.Learned(num_examples=5000))
    model.compile("adam", "binary_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)
    assert model.count_params() == count
    assert len(model.get_weights()) == len(net.get_weights())
    sizes = []
    for saved in (model, net):
        saved.save_weights(tmp_path / f"{saved.name}.weights.h5")
        sizes.append((tmp_path / f"{saved.name}.weights.h5").stat().st_size)
    assert (
        sizes[0] - sizes[1] < 5000 * model.relaxed.network.size
    )  # bytes; its targets alone take four times


LOADING = """
import sys, json, keras, numpy as np, raikeras
model = keras.saving.load_model(sys.argv[1])
x = np.load(sys.argv[2])
model.fit(x, (x[:, :1] > 0).astype("float32"), epochs=1, verbose=0)
config = model.get_config()
print(json.dumps([model.optimizer.name, config["relax"], config["at"], model.deployed_every,
                  model.target_rule.num_examples, float(model.target_rule.optimizer.beta_2),
                  float(config["hidden_weight"]["config"]["initial_learning_rate"])]))
"""


def test_saved_model_loads_compiled_in_a_fresh_process(tmp_path):
    x, y = moons_like()
    growth = keras.optimizers.schedules.ExponentialDecay(2.0, 10, 3.0)
    model = raikeras.RelaxedModel(
        small_net(),
        targets=raikeras.Learned(90, optimizer=keras.optimizers.Adam(0.1, beta_2=0.5)),
        relax=lambda layer: layer.units > 1,  # the output layer has one
        at="post_activation",
        hidden_weight=growth,
        deployed_every=4,
    )
    model.compile(raikeras.optimizers.Rprop(0.1), "binary_crossentropy")
    model.fit(x, y, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    run = subprocess.run(
        [sys.executable, "-c", LOADING, tmp_path / "model.keras", tmp_path / "x.npy"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    names = [layer.name for layer in model.net.layers[:-1]]
    expected = ["rprop", names, "post_activation", 4, 90, 0.5, 2.0]
    assert json.loads(run.stdout.splitlines()[-1]) == expected


@pytest.mark.parametrize(
    ("settings", "kind", "words"),
    [
        ({"relax": ["nowhere"]}, ValueError, "`relax`.*nowhere"),
        ({"relax": keras.layers.Dense(1, name="one")}, TypeError, r"pass relax=\['one'\]"),
        ({"relax": keras.layers.Conv2D}, ValueError, "`relax` matches no layer"),
        ({"at": "middle"}, ValueError, "`at`"),
        ({"hidden_loss": "no_such_loss"}, ValueError, "`hidden_loss`.*no_such_loss"),
        ({"hidden_weight": -1.0}, ValueError, "`hidden_weight`"),
        ({"hidden_weight": {"nowhere": 1.0}}, ValueError, "`hidden_weight`.*nowhere"),
        ({"targets": "learned"}, TypeError, "`targets`"),
        ({"weight_step": "joint"}, TypeError, "`weight_step`"),
        ({"deployed_every": -1}, ValueError, "`deployed_every`"),
    ],
)
def test_a_bad_setting_is_named_at_once(settings, kind, words):
    with pytest.raises(kind, match=words):
        raikeras.RelaxedModel(small_net(), **settings)


def test_a_net_that_is_not_built_is_refused():
    with pytest.raises(ValueError, match="`net`.*keras.Input"):
        raikeras.RelaxedModel(keras.Sequential([keras.layers.Dense(1)]))


@pytest.mark.parametrize(
    ("targets", "change", "words"),
    [
        (raikeras.Learned(num_examples=10), lambda x, y: (x, y), "`num_examples`.*70"),
        (None, lambda x, y: (np.where(x > 1, np.nan, x), y), "`x` must be finite"),
        (None, lambda x, y: (x, np.where(y > 0, np.inf, y)), "`y` must be finite"),
    ],
)
def test_bad_arrays_are_refused_before_any_step(targets, change, words):
    model = raikeras.RelaxedModel(small_net(), targets=targets)
    model.compile("sgd", "binary_crossentropy")
    before = model.net.get_weights()
    with pytest.raises(ValueError, match=words):
        model.fit(*change(*moons_like()), verbose=0)
    for old, new in zip(before, model.net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_an_optimizer_without_a_row_rule_is_refused_by_name():
    model = raikeras.RelaxedModel(small_net())
    model.compile("lion", "binary_crossentropy")
    with pytest.raises(ValueError, match=r"Lion.*Learned\(optimizer"):
        model.fit(*moons_like(), verbose=0)


def test_an_unsupported_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(RuntimeError, match="tensorflow, jax and torch.*openvino.*KERAS_BACKEND"):
        raikeras.RelaxedModel(small_net())


def test_only_rounding_is_kept_out_of_rows_that_restart():
    """Batch statistics make the training pass differ from the start: that mismatch must count."""
    x, y = moons_like()
    net = rich_net()
    before = net.get_weights()
    model = raikeras.RelaxedModel(net, targets=raikeras.Learned(refresh_every=1))
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    hidden = model.fit(x, y, batch_size=len(x), epochs=2, verbose=0).history["hidden_loss"]
    assert min(hidden) > 1e-3
    kernel = 6  # of the second Dense layer, after four arrays of BatchNormalization
    assert np.abs(net.get_weights()[kernel] - before[kernel]).max() > 1e-4
