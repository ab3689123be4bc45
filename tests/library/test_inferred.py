"""`Inferred` as it comes: steps by the curvature, against closed forms and a NumPy loop."""

import os
import subprocess
import sys

import keras
import numpy as np
import oracle
import pytest
from keras import layers, ops
from transfers import double_precision as double_precision

import raikeras
from raikeras.losses import HalfSquaredError
from raikeras.rows.layout import by_cut
from raikeras.targets import curvature
from raikeras.training.step import Step

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 6)).astype("float32")
Y = RNG.normal(size=(12, 1)).astype("float32")
LABEL = (Y > 0).astype("float32")
IMAGES = RNG.normal(size=(12, 8, 8, 1)).astype("float32")
CLASS = np.eye(3, dtype="float32")[RNG.integers(0, 3, 12)]


def dense(units=(16, 12), activation=None, out=1, last=None, seed=1):
    keras.utils.set_random_seed(seed)
    hidden = [layers.Dense(count, activation) for count in units]
    return keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(out, last)])


def conv(norm=False, dropout=0.0):
    keras.utils.set_random_seed(1)
    between = [layers.BatchNormalization()] * norm + [layers.Dropout(dropout, seed=3)]
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(),
            *between,
            layers.Conv2D(6, 3, activation="tanh"),
            layers.Flatten(),
            layers.Dense(3, "softmax"),
        ]
    )


def branched():
    """A residual and a layer that is called twice."""
    keras.utils.set_random_seed(1)
    inputs, twice = keras.Input((6,)), layers.Dense(6, "tanh")
    hidden = layers.Add()([inputs, twice(twice(inputs))])
    return keras.Model(inputs, layers.Dense(1)(hidden))


def relaxed(net, targets=None, loss="mse", optimizer=None, compiled=None, **settings):
    settings = {"relax": (layers.Dense, layers.Conv2D), "deployed_every": 0, **settings}
    model = raikeras.RelaxedModel(net, targets=targets or raikeras.Inferred(), **settings)
    model.compile(optimizer or keras.optimizers.SGD(0.0), loss, **(compiled or {}))
    return model


def path(model, steps, x=X, y=Y, sample_weight=None):
    """Where the relaxation ends, as arrays: targets, curvature, start."""
    data = [ops.convert_to_tensor(part) for part in (x, y, sample_weight) if part is not None]
    step = Step(model, tuple(data))
    start = step.values()

    def gradient(targets, fresh):
        found = step.gradient(lambda at: step.objective(at, fresh=fresh), targets)
        return [slope * step.examples for slope in found]

    groups = step.network.groups
    state = curvature.relax(gradient, start, groups, steps)
    order = np.argsort([place for group in groups for place in group.places])
    ends = [_side_by_side(groups, parts) for parts in (state.targets, start)]
    return ends[0], ops.convert_to_numpy(state.curvature)[:, order], ends[1]


def _side_by_side(groups, tensors):
    parts = by_cut(groups, [ops.convert_to_numpy(tensor) for tensor in tensors])
    return np.hstack([part.reshape(len(part), -1) for part in parts])


# Against NumPy


def quadratic(net, x, y, weight):
    """Each example's objective of a linear net is z'Hz / 2 - b'z, for the mean of squares."""
    arrays = [np.array(one, "float64") for one in net.get_weights()]
    kernels, biases = arrays[::2], arrays[1::2]
    sizes = [kernel.shape[1] for kernel in kernels]
    edges = np.cumsum([0, *sizes])
    hessian, linear = np.zeros((edges[-1],) * 2), np.zeros((len(x), edges[-1]))
    for t, size in enumerate(sizes):
        error = np.zeros((size, edges[-1]))  # target less own value, less what does not move
        error[:, edges[t] : edges[t + 1]] = np.eye(size)
        fixed = np.broadcast_to(biases[t], (len(x), size))
        if t:
            error[:, edges[t - 1] : edges[t]] = -kernels[t].T
        else:
            fixed = x @ kernels[0] + fixed
        hessian += 2 * weight[t] / size * error.T @ error
        linear += 2 * weight[t] / size * fixed @ error
    out = slice(edges[-2], edges[-1])
    hessian[out, out] += 2 / sizes[-1] * np.eye(sizes[-1])
    linear[:, out] += 2 / sizes[-1] * y
    values = np.concatenate(linear_forward(kernels, biases, x), axis=1)
    return hessian, linear, values, sizes


def linear_forward(kernels, biases, x):
    values = []
    for kernel, bias in zip(kernels, biases, strict=True):
        values.append((values[-1] if values else x) @ kernel + bias)
    return values


def numpy_path(gradient, start, sizes, steps):
    """One example's path and curvature, cut by cut: written from the docstring of `Inferred`."""
    edges = np.cumsum([0, *sizes])
    cuts = [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    along = np.random.default_rng(0).normal(size=len(start))
    length = np.array(
        [max(np.sqrt(np.mean(start[c] ** 2)), 1) * (c.stop - c.start) ** 0.25 / 32 for c in cuts]
    )
    slope, sigma = gradient(start), 1 / length**2
    for _ in range(4):
        share = np.mean(sigma * length**2)
        length = np.clip(np.sqrt(share / sigma), length / 4, length * 4)
        probe = np.concatenate(
            [along[c] / np.linalg.norm(along[c]) * far for c, far in zip(cuts, length, strict=True)]
        )
        along = gradient(start + probe) - slope
        sigma = np.array([np.linalg.norm(along[c]) for c in cuts]) / length
    targets = start.copy()
    for _ in range(steps):
        move = -slope / np.repeat(sigma, sizes)
        found = gradient(targets + move)
        squares = np.array([np.sum((found - slope)[c] ** 2) for c in cuts]) / sigma
        factor = np.sqrt(squares.sum() / (-slope @ move) * squares / squares.max())
        back = found @ move > -1e-3 * slope @ move
        sigma = sigma * np.maximum(1, (2 if back else 1) * factor)
        if not back:
            targets, slope = targets + move, found
    return targets, sigma


NETS = [
    ((16, 12), 3, 1e-2),
    ((16, 12), 3, 1.0),
    ((5,), 1, 100.0),
    ((40, 2, 30), 1, 1e-2),
    ((8,) * 30, 2, 1.0),
]


@pytest.mark.parametrize(("units", "out", "weight"), NETS)
def test_steps_are_close_to_the_largest_that_are_stable(units, out, weight):
    """The top eigenvalue of the Hessian over the curvature, of which a step bears up to 2."""
    net, y = dense(units, out=out), RNG.normal(size=(12, out)).astype("float32")
    _, sigma, _ = path(relaxed(net, hidden_weight=weight), 0, X[:2], y[:2])
    hessian, _, _, sizes = quadratic(net, X[:2], y[:2], [weight] * (len(units) + 1))
    for one in sigma:
        scale = np.sqrt(np.repeat(one.astype("float64"), sizes))
        assert 0.9 < np.linalg.eigvalsh(hessian / scale / scale[:, None]).max() < 1.9


@pytest.mark.parametrize("weight", [1e-2, 100.0])
def test_targets_of_a_linear_net_are_those_of_a_numpy_loop(weight):
    net = dense()
    found, sigma, _ = path(relaxed(net, hidden_weight=weight), 7)
    hessian, linear, values, sizes = quadratic(net, X, Y, [weight] * 3)
    for n in range(len(X)):
        wanted = numpy_path(lambda z, n=n: hessian @ z - linear[n], values[n], sizes, 7)
        np.testing.assert_allclose(sigma[n], wanted[1], rtol=2e-3)
        np.testing.assert_allclose(found[n], wanted[0], rtol=1e-3, atol=1e-3)
    assert np.abs(found - values).max() > 1e-2


def test_targets_of_a_sigmoid_net_are_those_of_a_numpy_loop():
    """Cross-entropy at the output, so that the curvature changes on the way."""
    net = dense((5, 4), "sigmoid", 1, "sigmoid")
    found, sigma, start = path(relaxed(net, loss="binary_crossentropy"), 9, y=LABEL)
    arrays = [np.array(one, "float64") for one in net.get_weights()]

    def gradient(z, n):
        parts = [part[None] for part in np.split(z, [5, 9])]
        x, y = X[n : n + 1].astype("float64"), LABEL[n : n + 1]
        by_target = oracle.gradients(arrays[::2], arrays[1::2], parts, x, y, 1.0)[2]
        return np.concatenate(by_target, axis=1)[0]

    for n in range(len(X)):
        wanted = numpy_path(lambda z, n=n: gradient(z, n), start[n].astype("float64"), [5, 4, 1], 9)
        np.testing.assert_allclose(sigma[n], wanted[1], rtol=5e-3)
        np.testing.assert_allclose(found[n], wanted[0], rtol=2e-3, atol=1e-3)


def test_many_steps_reach_the_closed_form_minimum():
    net = dense((5,), out=2)
    y = RNG.normal(size=(12, 2)).astype("float32")
    weight = {net.layers[0].name: 1.0, net.layers[1].name: 2.0}
    found, _, _ = path(relaxed(net, hidden_weight=weight), 120, y=y)
    hessian, linear, _, _ = quadratic(net, X, y, list(weight.values()))
    np.testing.assert_allclose(found, np.linalg.solve(hessian, linear.T).T, atol=2e-3)


def test_single_units_in_a_row_arrive_too():
    """A probe cannot turn a single unit's sign, and may find too little: the way finds the rest."""
    y = np.ones((12, 1), "float32")
    for seed in range(3):
        net = dense((1, 1, 1), seed=seed)
        hessian, linear, start, _ = quadratic(net, X, y, [1.0] * 4)
        least = np.linalg.solve(hessian, linear.T).T
        targets, sigma, _ = path(relaxed(net), 60, y=y)
        above = [np.einsum("ni,ij,nj->n", z - least, hessian, z - least) for z in (targets, start)]
        assert (above[0] < 0.05 * above[1] + 1e-9).all()
        assert (sigma > 0).all()


# Plain behaviour

WEIGHTS = (1e-4, 1e-2, 1.0, 100.0, 1e4)


def by_step(step):
    """Each hidden weight in turn, for three training steps."""
    return ops.take(ops.convert_to_tensor(WEIGHTS, "float32"), ops.cast(step, "int32") // 3)


def one_heavy(net):
    return {layer.name: weight for layer, weight in zip(net.layers, (1e4, 1e-4, 1.0), strict=False)}


GRID = {
    "linear": (dense, X, Y, "mse", {}),
    "scaled": (lambda: dense(activation="relu"), X, 100 * Y, "mse", {"at": "post_activation"}),
    "tanh": (lambda: dense(activation="tanh"), X, Y, "mse", {"hidden_loss": "huber"}),
    "saturated": (
        lambda: dense(activation="relu", last="sigmoid"),
        30 * X,
        LABEL,
        "binary_crossentropy",
        {"hidden_loss": HalfSquaredError()},
    ),
    "matching": (
        lambda: dense(activation="sigmoid", last="sigmoid"),
        X,
        LABEL,
        "binary_crossentropy",
        {"hidden_loss": "matching"},
    ),
    "absolute": (lambda: dense(activation="tanh"), X, Y, "mse", {"hidden_loss": "mae"}),
    "conv": (conv, IMAGES, CLASS, "categorical_crossentropy", {}),
    "branched": (branched, X, Y, "mse", {"hidden_loss": HalfSquaredError("sum_over_batch_size")}),
}


@pytest.mark.parametrize("name", GRID)
def test_no_example_is_worse_off_than_at_the_forward_pass(name):
    """Batches of one example at fixed weights: the objective is the task loss at the start."""
    build, x, y, loss, settings = GRID[name]
    net = build()
    model = relaxed(net, loss=loss, hidden_weight=by_step, **settings)
    task = keras.losses.get(loss)
    before = ops.convert_to_numpy(task(y[:3], net.predict(x[:3], verbose=0)))
    before = np.array(before).reshape(3, -1).mean(axis=1)
    # Float32 rounds each unit's loss, by little where it is the square of a rounding.
    rounding = 2.0**-23 * 29 if name in ("matching", "absolute") else 1e-12
    for weight in WEIGHTS:
        for n in range(3):
            model.reset_metrics()
            found = float(
                model.train_on_batch(x[n : n + 1], y[n : n + 1], return_dict=True)["loss"]
            )
            assert found <= before[n] * (1 + 1e-4) + rounding * weight, (weight, n)
            if weight <= 1e-2 and loss == "mse" and name != "absolute":  # the task can be met
                assert found < 0.5 * before[n] + 1e-3, (weight, n)


def test_no_batch_is_worse_off_under_dropout_and_batch_statistics():
    losses = []
    for steps in (0, 10):
        model = relaxed(
            conv(True, 0.3), raikeras.Inferred(steps), "categorical_crossentropy",
            hidden_weight=by_step,
        )  # fmt: skip
        losses.append([])
        for _ in range(15):
            model.reset_metrics()
            losses[-1].append(model.train_on_batch(IMAGES, CLASS, return_dict=True)["loss"])
    start, found = np.array(losses)
    assert (found < start).all()


TRAINED = {
    "mse": (lambda: dense((16,), "tanh"), X, Y, "mse"),
    "bce": (lambda: dense((16,), "tanh", 1, "sigmoid"), X, LABEL, "binary_crossentropy"),
    "conv": (conv, IMAGES, CLASS, "categorical_crossentropy"),
}


@pytest.mark.parametrize(
    ("name", "weight"),
    [("mse", 1e-2), ("mse", 1.0), ("mse", 1e4), ("bce", 1.0), ("bce", 100.0), ("conv", 1.0)],
)
def test_the_deployed_loss_falls_with_all_defaults(name, weight):
    build, x, y, loss = TRAINED[name]
    optimizer = keras.optimizers.Adam(0.01)
    net = build()
    model = relaxed(net, None, loss, optimizer, hidden_weight=weight, deployed_every=1)
    history = model.fit(x, y, batch_size=4, epochs=15, verbose=0).history["deployed_loss"]
    assert history[-1] < 0.9 * history[0]


def test_a_large_hidden_weight_comes_to_backprop():
    """As written in the README: settled mismatches are the task's gradient over the weight."""
    moved = []
    for wrap in (True, False):
        net = model = dense((16, 16), "tanh", seed=2)
        draw = np.random.default_rng(2).normal  # Keras' own start is another on every backend
        start = [draw(scale=w.shape[0] ** -0.5, size=w.shape) for w in net.get_weights()]
        net.set_weights(start)
        optimizer = keras.optimizers.SGD(0.02)
        if wrap:
            settings = {"hidden_loss": HalfSquaredError("sum_over_batch_size")}
            rule = raikeras.Inferred(100)
            model = relaxed(net, rule, "mse", optimizer, hidden_weight=100.0, **settings)
        else:
            model.compile(optimizer, "mse")
        model.train_on_batch(X, Y)
        moved.append([a - b for a, b in zip(net.get_weights(), start, strict=True)])
    for ours, backprop in zip(*moved, strict=True):
        assert np.linalg.norm(ours - backprop) < 0.1 * np.linalg.norm(backprop)


@pytest.mark.parametrize("weight", [100.0, 1e3])
def test_plain_descent_learns_at_a_large_hidden_weight(weight):
    model = relaxed(
        dense((16, 16), "tanh", seed=2), None, "mse", keras.optimizers.SGD(0.02),
        hidden_weight=weight, deployed_every=1,
    )  # fmt: skip
    history = model.fit(X, Y, batch_size=4, epochs=30, verbose=0).history["deployed_loss"]
    assert history[-1] < 0.7 * history[0]


def test_mixed_bfloat16():
    keras.config.set_dtype_policy("mixed_bfloat16")
    optimizer = keras.optimizers.Adam(0.01)
    model = relaxed(dense((16,), "tanh"), None, "mse", optimizer, deployed_every=1)
    history = model.fit(X, Y, batch_size=4, epochs=15, verbose=0).history["deployed_loss"]
    assert history[-1] < 0.7 * history[0]


def test_float64_meets_numpy_to_its_own_digits():
    """A hidden weight of a million, of which float32 sees rounding alone."""
    code = """
import sys, keras, numpy as np
keras.config.set_floatx("float64")
sys.path.insert(0, "tests/library")
import test_inferred as t
x, y = t.X.astype("float64"), t.Y.astype("float64")
net = t.dense()
with t.double_precision():
    found, sigma, start = t.path(t.relaxed(net, hidden_weight=1e6), 10, x, y)
hessian, linear, values, sizes = t.quadratic(net, x, y, [1e6] * 3)
assert found.dtype == "float64"
for n in range(3):
    wanted = t.numpy_path(lambda z: hessian @ z - linear[n], values[n], sizes, 10)
    np.testing.assert_allclose(sigma[n], wanted[1], rtol=1e-6)
    np.testing.assert_allclose(found[n] - start[n], wanted[0] - values[n], rtol=1e-3, atol=1e-10)
    assert np.abs(found[n] - start[n]).max() > 1e-7
"""
    environment = {**os.environ, "JAX_ENABLE_X64": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


# What an example's path depends on


def test_the_path_does_not_depend_on_the_batch():
    model = relaxed(conv(), loss="categorical_crossentropy", hidden_weight=0.1)
    whole = path(model, 10, IMAGES, CLASS)
    part = path(model, 10, IMAGES[3:4], CLASS[3:4])
    for one, other in zip(part, whole, strict=True):
        np.testing.assert_allclose(one, other[3:4], rtol=2e-3, atol=1e-4)


def test_the_path_does_not_depend_on_weights_of_examples():
    model = relaxed(dense(activation="tanh"))
    plain, _, start = path(model, 10)
    weight = np.array([0.0, 0.0, *RNG.uniform(0.1, 3, 10)], "float32")
    found, _, _ = path(model, 10, sample_weight=weight)
    np.testing.assert_allclose(found[2:], plain[2:], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(found[:2], start[:2])


def test_a_layer_without_weight_and_task_stays():
    """No curvature and no gradient there: neither zero by zero nor a step."""
    net = dense()
    weight = {net.layers[0].name: 1.0, net.layers[1].name: 0.0, net.layers[2].name: 0.0}
    found, sigma, start = path(relaxed(net, hidden_weight=weight), 10)
    np.testing.assert_array_equal(sigma[:, 1], 0)
    np.testing.assert_array_equal(found[:, :28], start[:, :28])
    np.testing.assert_allclose(found[:, 28:], Y, atol=1e-4)


def test_fused_equals_layer_by_layer():
    found = [path(relaxed(dense((8,) * 30, "tanh"), fuse=fuse), 5) for fuse in (True, False)]
    assert np.abs(found[0][0] - found[0][2]).max() > 0.01
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-4)
