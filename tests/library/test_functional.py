"""`raikeras.FunctionalStep`: a loop of one's own gives what `fit` gives, and JAX transforms it."""

import re
import textwrap

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


def several(seed):
    """Two inputs, a shared layer, batch statistics and a residual connection."""
    keras.utils.set_random_seed(seed)
    one, two = keras.Input((2,)), keras.Input((2,))
    shared = keras.layers.Dense(4, "tanh")
    joined = keras.layers.Concatenate()([shared(one), shared(two)])
    # A bias here would have a gradient of rounding alone, of which Adam makes full steps.
    normed = keras.layers.BatchNormalization()(keras.layers.Dense(4, use_bias=False)(joined))
    added = keras.layers.Add()([keras.layers.Dense(4, "relu")(normed), shared(one)])
    return keras.Model([one, two], keras.layers.Dense(1)(added))


@on_jax
@pytest.mark.parametrize("donated", [False, True])
@pytest.mark.parametrize("rule", RULES)
def test_nets_of_all_kinds_with_weights_and_repeated_examples_equal_train_on_batch(rule, donated):
    import jax

    x, y = data()
    x = [x, x[::-1].copy()]
    rng = np.random.default_rng(3)
    weights = rng.uniform(0.5, 2, len(y)).astype("float32")
    orders = [rng.integers(0, len(y), 6).astype("int32") for _ in range(4)]
    assert any(len(set(ids.tolist())) < 6 for ids in orders)
    ours, theirs = made(several(1), rule), made(several(1), rule)
    theirs.fit(x, y, epochs=0, verbose=0)  # makes the rows, if there are any, and takes no step
    step = raikeras.FunctionalStep(ours, x, y)
    state = step.initial_state()
    train = jax.jit(step, donate_argnums=0) if donated else jax.jit(step)
    for ids in orders:
        batch = [part[ids] for part in x]
        state, logs = train(state, batch, y[ids], ids, weights[ids])
        fed = {"inputs": batch, "example_id": ids} if rule == "learned" else batch
        theirs.reset_metrics()
        wanted = theirs.train_on_batch(fed, y[ids], weights[ids], return_dict=True)
        np.testing.assert_allclose(logs["loss"], wanted["loss"], rtol=2e-5)
    step.assign(state)
    for mine, its in zip(ours.net.get_weights(), theirs.net.get_weights(), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-6)
    if rule == "learned":
        seen = np.unique(np.concatenate(orders))
        tables = [one.targets(seen).values() for one in (ours, theirs)]
        for mine, its in zip(*tables, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-6)


@on_jax
@pytest.mark.parametrize("fuse", [True, False])
def test_a_state_that_was_assigned_may_be_donated_and_the_net_trained_on(fuse):
    import jax

    x, y = data()
    ids = np.arange(len(x), dtype="int32")
    model = made(net(1), fuse=fuse)
    step = raikeras.FunctionalStep(model, x, y)
    train = jax.jit(step, donate_argnums=0)
    state, _ = train(step.initial_state(), x, y, ids)
    step.assign(state)
    kept = model.net.get_weights()
    state, _ = train(state, x, y, ids)  # takes over the memory that `assign` was given
    for mine, its in zip(model.net.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(mine, its)
    step.assign(state)
    model.fit(x, y, batch_size=len(x), epochs=1, verbose=0)
    assert np.isfinite(step.outputs(state, x)).all()  # and `fit` what is the caller's


@on_jax
def test_the_example_of_the_class_runs_and_trains():
    import jax

    (example,) = re.findall(r"```python\n(.*?)```", raikeras.FunctionalStep.__doc__, re.DOTALL)
    x, y = data()
    model = made(net(1))
    rng = np.random.default_rng(0)
    batches = [rng.choice(len(x), 6, replace=False).astype("int32") for _ in range(200)]
    names = {"raikeras": raikeras, "jax": jax, "model": model, "x": x, "y": y}
    exec(textwrap.dedent(example), names | {"batches": batches, "x_new": x}, found := {})
    np.testing.assert_allclose(found["outputs"], model.predict(x, verbose=0), atol=1e-5)
    assert ((np.asarray(found["outputs"]) > 0) == (y > 0)).mean() > 0.7


@on_jax
def test_what_an_earlier_fit_logged_is_none_of_a_steps():
    x, y = data()
    ids = np.arange(len(x), dtype="int32")
    fresh, trained = made(net(1)), made(net(1))
    start = net(1).get_weights()
    trained.fit(x, y, batch_size=4, epochs=2, verbose=0)
    trained.reset_targets()
    found = []
    for model in (fresh, trained):
        step = raikeras.FunctionalStep(model, x, y)
        found.append(step(step.initial_state(start), x, y, ids)[1])
    for name in ("loss", "deployed_loss", "mean_squared_error"):
        np.testing.assert_allclose(*(logs[name] for logs in found), rtol=1e-6)


@on_jax
def test_an_overflow_of_an_earlier_fit_does_not_stop_a_step():
    x, y = data()
    ids = np.arange(len(x), dtype="int32")
    model = made(net(1))
    good = model.net.get_weights()
    model.net.set_weights([weight * np.float32(1e30) for weight in good])
    with pytest.warns(UserWarning, match="overflow|finite"):
        model.fit(1e30 * x, y, batch_size=len(x), epochs=1, verbose=0)
    model.reset_targets()
    step = raikeras.FunctionalStep(model, x, y)
    before = step.initial_state(good)
    after, logs = step(before, x, y, ids)  # moves the targets, which were the forward pass
    after, logs = step(after, x, y, ids)  # and the weights
    assert np.isfinite(logs["loss"])
    pairs = zip(before.weights, after.weights, strict=True)
    assert any(not np.array_equal(*pair) for pair in pairs)


@on_jax
def test_a_net_that_changed_is_followed():
    x, y = data()
    ids = np.arange(len(x), dtype="int32")
    models = made(net(1)), made(net(1))
    for model in models:
        model.net.layers[2].activation = keras.activations.tanh
    step = raikeras.FunctionalStep(models[0], x, y)
    _, logs = step(step.initial_state(), x, y, ids)
    history = models[1].fit(x, y, batch_size=len(x), epochs=1, verbose=0).history
    np.testing.assert_allclose(logs["loss"], history["loss"][0], rtol=1e-5)


@on_jax
def test_a_step_in_a_callback_of_fit_takes_the_rows_it_names():
    x, y = data()
    model, found = made(net(1)), []

    class Inside(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            step = raikeras.FunctionalStep(model, x, y)
            ids = np.arange(4, dtype="int32")[::-1].copy()
            found.append(step(step.initial_state(), x[ids], y[ids], ids)[1]["loss"])

    model.fit(x, y, batch_size=len(x), epochs=1, verbose=0, callbacks=[Inside()])
    assert np.isfinite(found).all()


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
    few = made(net(0))
    few.fit(x[:4], y[:4], batch_size=4, epochs=1, verbose=0)
    with pytest.raises(ValueError, match="rows already.*12 examples; there are 4 rows"):
        raikeras.FunctionalStep(few, x, y)
    named = raikeras.RelaxedModel(net(0), targets=raikeras.Learned(num_examples=30))
    named.compile("sgd", "mean_squared_error")
    assert raikeras.FunctionalStep(named, x, y).model.store.num_examples == 30


@pytest.mark.skipif(JAX, reason="it needs another backend")
def test_another_backend_is_one_clear_error():
    x, y = data()
    with pytest.raises(RuntimeError, match=f"FunctionalStep needs JAX.*{keras.backend.backend()}"):
        raikeras.FunctionalStep(made(net(0)), x, y)
