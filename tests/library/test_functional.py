"""`raikeras.FunctionalStep`: a loop of one's own gives what `fit` gives, and JAX transforms it."""

import keras
import numpy as np
import pytest

import raikeras
from raikeras.initializers import isometric_start

JAX = keras.backend.backend() == "jax"
on_jax = pytest.mark.skipif(not JAX, reason="its functions are made for JAX's transformations")
STEPS = 6
RULES = {
    "learned": lambda: raikeras.Learned(optimizer=keras.optimizers.Adam(0.02)),
    "inferred": lambda: raikeras.Inferred(2),
    "gradient": lambda: raikeras.Gradient(1.0),
}


def net(seed, depth=4, dropout=0.0):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(5, "sigmoid") for _ in range(depth)]
    if dropout:
        layers.insert(2, keras.layers.Dropout(dropout, seed=3))
    built = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
    return isometric_start(built, seed=seed)


def data(n=12):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2)).astype("float32")
    return x, (x[:, :1] > 0).astype("float32")


def made(built, rule="learned", relax=keras.layers.Dense, **options):
    targets = None if relax == () else RULES[rule]()
    model = raikeras.RelaxedModel(built, targets=targets, relax=relax, deployed_every=1, **options)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=["mean_squared_error"])
    return model


@on_jax
@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("rule", [*RULES, "backprop"])
def test_a_loop_of_ones_own_equals_fit(rule, fuse):
    import jax

    x, y = data()
    options = {"relax": ()} if rule == "backprop" else {"rule": rule}
    ours, theirs = (made(net(1, dropout=0.2), fuse=fuse, **options) for _ in range(2))
    history = theirs.fit(x, y, batch_size=4, shuffle=False, epochs=2, verbose=0).history
    step = raikeras.FunctionalStep(ours, x, y)
    state, train, found = step.initial_state(), jax.jit(step), []
    for number in range(STEPS):
        ids = np.arange(4, dtype="int32") + 4 * (number % 3)
        state, logs = train(state, x[ids], y[ids], ids)
        found.append(logs)
    for epoch in range(2):
        mean = np.mean([float(logs["loss"]) for logs in found[3 * epoch : 3 * epoch + 3]])
        np.testing.assert_allclose(mean, history["loss"][epoch], rtol=1e-5)
    outputs = step.outputs(state, x)
    np.testing.assert_allclose(outputs, theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-6)
    before = ours.predict(x, verbose=0)
    np.testing.assert_allclose(before, net(1).predict(x, verbose=0), atol=1e-6)  # untouched so far
    step.assign(state)
    for mine, other in zip(ours.net.get_weights(), theirs.net.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(int(ours.optimizer.iterations), STEPS)
    if rule == "learned":
        tables = [one.targets(np.arange(len(x))).values() for one in (ours, theirs)]
        for mine, other in zip(*tables, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


@on_jax
@pytest.mark.parametrize("fuse", [True, False])
def test_weights_are_stacked_and_taken_apart_again(fuse):
    x, y = data()
    step = raikeras.FunctionalStep(made(net(0), fuse=fuse), x, y)
    start = net(7).get_weights()
    stacked = step.stack(start)
    assert len(stacked) == (6 if fuse else 10)  # three of four hidden layers are equal
    for mine, other in zip(step.unstack(stacked), start, strict=True):
        np.testing.assert_array_equal(mine, other)


@on_jax
def test_steps_are_scanned_and_starts_are_mapped():
    import jax

    x, y = data()
    ids = np.arange(len(x), dtype="int32")
    step = raikeras.FunctionalStep(made(net(0)), x, y)
    starts = [step.initial_state(net(seed).get_weights()) for seed in (1, 2, 3)]
    stacked = jax.tree.map(lambda *one: jax.numpy.stack(one), *starts)

    def run(state):
        return jax.lax.scan(lambda state, _: step(state, x, y, ids), state, length=STEPS)

    ended, logs = jax.jit(jax.vmap(run))(stacked)
    assert logs["loss"].shape == (3, STEPS)
    outputs = jax.vmap(step.outputs, (0, None))(ended, x)
    for place, seed in enumerate((1, 2, 3)):
        alone = made(net(seed))
        history = alone.fit(x, y, batch_size=len(x), epochs=STEPS, verbose=0).history
        np.testing.assert_allclose(logs["loss"][place], history["loss"], rtol=2e-5)
        np.testing.assert_allclose(outputs[place], alone.predict(x, verbose=0), atol=2e-5)


@on_jax
def test_the_step_is_differentiable_in_its_start():
    """Through three steps, against finite differences in float64's stead: a large difference."""
    import jax

    x, y = data()
    model = made(net(1), "gradient")
    step = raikeras.FunctionalStep(model, x, y)
    state = step.initial_state()

    def last_loss(shift):
        now = state._replace(weights=[state.weights[0] + shift, *state.weights[1:]])
        for _ in range(3):
            now, logs = step(now, x, y)
        return logs["loss"]

    slope = jax.grad(last_loss)(0.0)
    width = 0.05
    estimate = (last_loss(width) - last_loss(-width)) / (2 * width)
    np.testing.assert_allclose(slope, estimate, rtol=0.05, atol=1e-4)


@on_jax
def test_what_a_functional_step_needs():
    x, y = data()
    bare = raikeras.RelaxedModel(net(0))
    with pytest.raises(ValueError, match="compile"):
        raikeras.FunctionalStep(bare, x, y)
    step = raikeras.FunctionalStep(made(net(0)), x, y)
    with pytest.raises(ValueError, match="needs `ids`.*ids=None"):
        step(step.initial_state(), x, y)
    hosted = raikeras.RelaxedModel(net(0), targets=raikeras.Learned(storage="host"))
    hosted.compile("sgd", "mean_squared_error")
    with pytest.raises(ValueError, match="must lie on the device.*'host'"):
        raikeras.FunctionalStep(hosted, x, y)


@on_jax
def test_rows_are_as_many_as_examples_or_as_the_rule_names():
    x, y = data()
    assert raikeras.FunctionalStep(made(net(0)), x, y).model.store.num_examples == len(x)
    assert raikeras.FunctionalStep(made(net(0)), x, y, 40).model.store.num_examples == 40
    named = raikeras.RelaxedModel(net(0), targets=raikeras.Learned(num_examples=30))
    named.compile("sgd", "mean_squared_error")
    assert raikeras.FunctionalStep(named, x, y).model.store.num_examples == 30


@pytest.mark.skipif(JAX, reason="it needs another backend")
def test_another_backend_is_one_clear_error():
    x, y = data()
    with pytest.raises(RuntimeError, match="FunctionalStep needs JAX.*tensorflow"):
        raikeras.FunctionalStep(made(net(0)), x, y)
