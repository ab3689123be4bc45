"""The method's gradient against backprop's: closed forms, NumPy, plain Keras, gradient norms."""

import csv
import inspect
import math
import re

import keras
import numpy as np
import pytest
from keras import layers, ops
from tf_streams import needs_tensorflow

import raikeras
from raikeras.callbacks import GradientAlignment
from raikeras.diagnostics import gradient_norms
from raikeras.losses import HalfSquaredError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3)).astype("float32")
Y = RNG.normal(size=(20, 2)).astype("float32")
WEIGHTS = RNG.uniform(0.5, 2.0, 20).astype("float32")
IDS = {"inputs": X, "example_id": np.arange(20, dtype="int32")}
NAMES = ("first", "second", "last")


def two_layers():
    return [layers.Dense(4, "tanh", name="first"), layers.Dense(4, "tanh", name="second")]


def make_net(body=two_layers):
    """A net of the layers that `body()` makes and a last one, with random biases too."""
    keras.utils.set_random_seed(1)
    net = keras.Sequential([keras.Input((3,)), *body(), layers.Dense(2, name="last")])
    rng = np.random.default_rng(2)
    net.set_weights([w + 0.1 * rng.normal(size=w.shape) for w in net.get_weights()])
    return net


def relaxed(net, targets, loss="mean_squared_error", **settings):
    settings = {"hidden_loss": HalfSquaredError()} | settings
    model = raikeras.RelaxedModel(net, targets=targets, **settings)
    model.compile(keras.optimizers.SGD(0.1), loss)
    return model


def alignment(model, x=X, y=Y, sample_weight=None):
    """The columns at the present weights."""
    watch = GradientAlignment(x, y, sample_weight)
    watch.set_model(model)
    watch.on_train_begin()
    assert watch.history.pop("step") == [0]
    return {name: value for name, (value,) in watch.history.items()}


def columns(kind, names=NAMES):
    return [f"gradient_{kind}", *(f"gradient_{kind}/{name}" for name in names)]


# Where the two are known


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_plain_training_is_backprop_exactly(wrapped, weighted):
    net = make_net(lambda: [
        layers.Dense(4, "tanh", kernel_regularizer="l2", name="first"), layers.Dropout(0.4),
        layers.BatchNormalization(name="second")
    ])  # fmt: skip
    model = raikeras.RelaxedModel(net, relax=()) if wrapped else net
    model.compile("adam", "mean_squared_error")
    found = alignment(model, X, Y, WEIGHTS if weighted else None)
    assert found == dict.fromkeys([*columns("cosine"), *columns("ratio")], 1.0)


@pytest.mark.parametrize("fuse", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_targets_go_backprops_way_at_their_step_size(fuse, weighted):
    net = make_net(lambda: [
        *[layers.Dense(4, "tanh", name=name) for name in "abc"], layers.Dropout(0.4),
        layers.BatchNormalization(name="norm")
    ])  # fmt: skip
    model = relaxed(net, raikeras.Gradient(0.5), fuse=fuse)
    found = alignment(model, X, Y, WEIGHTS if weighted else None)
    names = ["a", "b", "c", "norm", "last"]
    assert list(found) == [key for pair in zip(*(columns(kind, names) for kind in
                           ("cosine", "ratio")), strict=True) for key in pair]  # fmt: skip
    for name in ("a", "b", "c", "last"):
        assert found[f"gradient_cosine/{name}"] == pytest.approx(1, abs=1e-6)
        assert found[f"gradient_ratio/{name}"] == pytest.approx(0.5, rel=1e-4)
    # Not relaxed: its weights follow the task loss itself.
    assert found["gradient_cosine/norm"] == found["gradient_ratio/norm"] == 1
    assert 0.5 < found["gradient_ratio"] < 1
    assert 0 < found["gradient_cosine"] < 1


def test_targets_on_the_other_side_go_the_other_way():
    class Uphill(raikeras.TargetRule):
        def set(self, step):
            values, gradient = step.task_gradient()
            pairs = zip(values, gradient, strict=True)
            return [at + 2.0 * slope for at, slope in pairs], values

    found = alignment(relaxed(make_net(), Uphill()))
    assert [found[name] for name in columns("cosine")] == pytest.approx([-1] * 4, abs=1e-5)
    assert [found[name] for name in columns("ratio")] == pytest.approx([2] * 4, rel=1e-3)


@pytest.mark.parametrize("weight", [0.1, 1.0, 100.0])
def test_a_linear_net_at_its_equilibrium_is_that_of_its_closed_form(weight):
    loss = HalfSquaredError("sum_over_batch_size")
    net = make_net(lambda: [layers.Dense(4, name="first")])
    model = relaxed(net, raikeras.Inferred(100), loss, relax=["first"], hidden_loss=loss,
                    hidden_weight=weight)  # fmt: skip
    found = alignment(model)
    # Example by example 1/2 |z V + c - y|^2 + weight / 2 |z - a|^2 is least at the target z.
    kernel, bias, V, c = (w.astype("float64") for w in net.get_weights())
    a = X @ kernel + bias
    z = np.linalg.solve(V @ V.T + weight * np.eye(4), V @ (Y - c).T + weight * a.T).T
    errors = {"first": (weight * (a - z), (a @ V + c - Y) @ V.T),
              "last": (z @ V + c - Y, a @ V + c - Y)}  # fmt: skip
    inputs = {"first": (X, X), "last": (z, a)}
    whole = []
    for name, (ours, backprop) in errors.items():
        pair = [np.append((fed.T @ error).ravel(), error.sum(axis=0))
                for fed, error in zip(inputs[name], (ours, backprop), strict=True)]  # fmt: skip
        check(found, f"/{name}", *pair, rel=2e-3 if weight > 10 else 3e-4)
        whole.append(pair)
    check(found, "", *map(np.concatenate, zip(*whole, strict=True)), rel=1e-3)


def check(found, suffix, ours, backprop, rel):
    lengths = np.linalg.norm(ours), np.linalg.norm(backprop)
    expected = ours @ backprop / np.prod(lengths)
    assert found[f"gradient_cosine{suffix}"] == pytest.approx(expected, rel=rel)
    assert found[f"gradient_ratio{suffix}"] == pytest.approx(lengths[0] / lengths[1], rel=rel)


# What else it must agree with


def test_ratios_are_those_of_gradient_norms_and_regularisation_is_in_both():
    net = make_net(lambda: [
        layers.Dense(4, "tanh", kernel_regularizer="l2", name="first"),
        layers.BatchNormalization(name="second")
    ])  # fmt: skip
    net.compile("sgd", "mean_squared_error")
    backprop = gradient_norms(net, X, Y, WEIGHTS)
    model = relaxed(net, raikeras.Inferred(7), hidden_weight=0.3)
    ours, found = gradient_norms(model, X, Y, WEIGHTS), alignment(model, X, Y, WEIGHTS)
    for name in NAMES:
        expected = ours[name] / backprop[name]
        assert found[f"gradient_ratio/{name}"] == pytest.approx(expected, rel=1e-4)
    whole = np.linalg.norm(list(ours.values())) / np.linalg.norm(list(backprop.values()))
    assert found["gradient_ratio"] == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("targets", ["inferred", "learned"])
def test_a_fused_chain_has_the_columns_of_its_layers_one_by_one(targets):
    def body():
        return [layers.Dense(3, "tanh", kernel_regularizer="l2", name=f"at{i}") for i in range(5)]

    found = []
    for fuse in (False, True):
        rule = raikeras.Inferred(5, 0.5) if targets == "inferred" else raikeras.Learned()
        model = relaxed(make_net(body), rule, fuse=fuse)
        watch = GradientAlignment(IDS if targets == "learned" else X, Y)
        model.fit(X, Y, batch_size=20, epochs=3, verbose=0, callbacks=[watch])
        found.append({name: values[-1] for name, values in watch.history.items()})
    assert list(found[0]) == list(found[1])
    for name, value in found[0].items():
        assert found[1][name] == pytest.approx(value, rel=1e-3, abs=1e-4), name


def test_a_shared_layer_is_named_once_and_counts_all_its_calls():
    keras.utils.set_random_seed(1)
    shared, start = layers.Dense(3, "tanh", name="shared"), keras.Input((3,))
    net = keras.Model(start, layers.Dense(2, name="last")(shared(shared(start))))
    found = alignment(relaxed(net, raikeras.Gradient(0.25)))
    assert sorted(found) == sorted([*columns("cosine", ["shared", "last"]),
                                    *columns("ratio", ["shared", "last"])])  # fmt: skip
    for cosine, ratio in zip(*(columns(kind, ["shared", "last"]) for kind in ("cosine", "ratio")),
                             strict=True):  # fmt: skip
        assert found[cosine] == pytest.approx(1, abs=1e-5)
        assert found[ratio] == pytest.approx(0.25, rel=1e-4)


def test_several_outputs_one_of_them_without_a_loss():
    keras.utils.set_random_seed(1)
    start = keras.Input((3,))
    trunk = layers.Dense(4, "tanh", name="trunk")(start)
    outputs = {name: layers.Dense(2, name=name)(trunk) for name in ("left", "right", "free")}
    net = keras.Model(start, outputs)
    losses = {"left": "mean_squared_error", "right": "mean_absolute_error", "free": None}
    model = raikeras.RelaxedModel(net, targets=raikeras.Gradient(0.5),
                                  hidden_loss=HalfSquaredError())  # fmt: skip
    model.compile("sgd", losses)
    found = alignment(model, X, {"left": Y, "right": -Y})
    for name in ("trunk", "left", "right"):
        assert found[f"gradient_cosine/{name}"] == pytest.approx(1, abs=1e-5)
        assert found[f"gradient_ratio/{name}"] == pytest.approx(0.5, rel=1e-3)
    # The task loss does not reach it, and there is no mismatch either.
    assert math.isnan(found["gradient_cosine/free"]) and math.isnan(found["gradient_ratio/free"])
    assert found["gradient_cosine"] == pytest.approx(1, abs=1e-5)


# Where one of them is zero


def test_few_small_steps_leave_the_low_layers_of_a_deep_net_behind():
    depth, steps = 80, 64
    model = relaxed(make_net(lambda: [
        layers.Dense(4, "tanh", kernel_initializer="orthogonal", name=f"at{i}")
        for i in range(depth)
    ]), raikeras.Inferred(steps, 0.25))  # fmt: skip
    found = alignment(model)
    assert found[f"gradient_cosine/at{depth - 1}"] > 0.8
    assert found[f"gradient_ratio/at{depth - 1}"] > 0.1
    # No step has brought the task loss here: the mismatch is zero, or one of rounding.
    lowest = found["gradient_cosine/at0"]
    assert found["gradient_ratio/at0"] < 1e-4
    assert math.isnan(lowest) or abs(lowest) < 0.9


def test_rows_start_without_a_gradient_and_learn_from_above():
    rule = raikeras.Learned(optimizer=keras.optimizers.SGD(3.0))
    model = relaxed(make_net(), rule, hidden_loss="mean_squared_error")
    watch = GradientAlignment(IDS, Y)
    model.fit(X, Y, batch_size=20, epochs=4, verbose=0, callbacks=[watch])
    cosines = np.array([watch.history[name] for name in columns("cosine")])
    ratios = np.array([watch.history[name] for name in columns("ratio")])
    assert np.isnan(cosines[:, 0]).all() and (ratios[:, 0] == 0).all()
    # The task loss moves the last row alone in the first step, the row below it in the second.
    arrived = ratios[1:] > 1e-5 * ratios[1:, -1:]  # else a mismatch may be one of rounding
    assert (arrived == [[0, 0, 0, 1, 1], [0, 0, 1, 1, 1], [0, 1, 1, 1, 1]]).all()
    assert (cosines[1:][arrived] > 0.9).all()


def test_nothing_is_defined_where_backprop_has_no_gradient():
    net = make_net()
    net.set_weights([np.zeros_like(weight) for weight in net.get_weights()])

    class Away(raikeras.TargetRule):
        def set(self, step):
            return [value + ops.ones_like(value) for value in step.values()]

    found = alignment(relaxed(net, Away()), X, np.zeros_like(Y))
    assert np.isnan(list(found.values())).all()


def test_gradients_beyond_any_number_are_undefined_without_a_warning():
    net = make_net()
    net.set_weights([np.full_like(weight, np.nan) for weight in net.get_weights()])
    net.compile("sgd", "mean_squared_error")
    assert np.isnan(list(alignment(net).values())).all()


# In `fit`


@pytest.mark.parametrize("every", ["epoch", 2])
def test_history_and_logs_hold_what_was_measured(every, tmp_path, capfd):
    weight = {"first": 0.0}  # which has no gradient, so that NaN is written and read
    model = relaxed(make_net(), raikeras.Learned(), hidden_weight=weight)
    watch, log = GradientAlignment(IDS, Y, every=every), tmp_path / "log.csv"
    history = model.fit(
        X, Y, epochs=3, batch_size=8, verbose=1, callbacks=[watch, keras.callbacks.CSVLogger(log)]
    ).history
    expected = [0, 3, 6, 9] if every == "epoch" else [0, 2, 4, 6, 8]
    assert watch.history["step"] == expected
    last = [expected.index(step if every == "epoch" else step // 2 * 2) for step in (3, 6, 9)]
    written = list(csv.DictReader(log.read_text().splitlines()))
    for name, values in watch.history.items():
        if name != "step":
            np.testing.assert_equal(values[0], np.nan if "cosine" in name else 0.0)
            np.testing.assert_equal(history[name], [values[place] for place in last])
            np.testing.assert_equal([float(row[name]) for row in written], history[name])
    assert np.isnan(history["gradient_cosine/first"]).all()
    assert set(history["gradient_ratio/first"]) == {0.0}
    if every == "epoch":
        for name, value in alignment(model, IDS).items():
            assert watch.history[name][-1] == pytest.approx(value, rel=1e-4, nan_ok=True)
    assert "gradient_cosine/first: " in capfd.readouterr().out  # in the progress bar


@needs_tensorflow  # writes the event file
def test_tensorboard_behind_it_writes_what_is_undefined_too(tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    import tensorflow as tf

    model = relaxed(make_net(), raikeras.Learned(), hidden_weight={"first": 0.0})
    watch, board = GradientAlignment(IDS, Y), keras.callbacks.TensorBoard(tmp_path)
    model.fit(X, Y, batch_size=20, epochs=3, verbose=0, callbacks=[watch, board])
    (file,) = (tmp_path / "train").glob("events*")
    written = {name: [] for name in columns("cosine")}
    for event in loader.EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            if value.tag.removeprefix("epoch_") in written:
                number = float(tf.make_ndarray(value.tensor))
                written[value.tag.removeprefix("epoch_")].append(number)
    assert np.isnan(written["gradient_cosine/first"]).all()
    for name, values in written.items():
        np.testing.assert_allclose(values, watch.history[name][1:], rtol=1e-6)


@pytest.mark.parametrize("targets", [raikeras.Inferred, raikeras.Learned, raikeras.Gradient])
def test_training_is_the_same_with_and_without(targets):
    weights = []
    for callbacks in ([], [GradientAlignment(IDS, Y, every=2)]):
        net = make_net(
            lambda: [layers.Dense(4, "tanh"), layers.Dropout(0.3), layers.BatchNormalization()]
        )
        model = relaxed(net, targets(), hidden_loss="mean_squared_error")
        model.fit(X, Y, epochs=2, batch_size=8, shuffle=False, verbose=0, callbacks=callbacks)
        weights.append([np.array(v) for v in net.variables])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_example_of_its_docstring_runs():
    (example,) = re.findall(r"```python\n(.*?)```", inspect.getdoc(GradientAlignment), re.DOTALL)
    net = make_net(lambda: [layers.Dense(4, "tanh", name="dense")])
    names = {"raikeras": raikeras, "net": net, "x": X, "y": Y}
    exec(example, names)
    cosines = names["history"].history["gradient_cosine/dense"]
    assert len(cosines) == 2 and 0.5 < min(cosines) and max(cosines) <= 1


# Bad input


def test_bad_input_is_named_as_for_gradient_norms():
    with pytest.raises(ValueError, match="`every` must be .*Received: every='batch'"):
        GradientAlignment(X, Y, every="batch")
    with pytest.raises(ValueError, match="`y` must be given.*Received: y=None"):
        GradientAlignment(X)
    with pytest.raises(ValueError, match="same number of examples.*x of shape .20.*y of shape .19"):
        GradientAlignment(X, Y[:-1])
    model = relaxed(make_net(), raikeras.Learned())
    with pytest.raises(ValueError, match="need example ids.*without example ids"):
        model.fit(X, Y, verbose=0, callbacks=[GradientAlignment(X, Y)])
