"""The guard: a training that overflows stops, says where, and leaves all that it trained finite."""

import warnings

import keras
import numpy as np
import pytest

import raikeras
from raikeras.backend import load_backend
from raikeras.training import overflow, weight_steps

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(1e3),
    "momentum": lambda: keras.optimizers.SGD(1e2, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(1e8),
    "rmsprop": lambda: keras.optimizers.RMSprop(1e6),
}


def _data(count=40):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 2)).astype("float32")
    return x, (x[:, :1] * x[:, 1:] > 0).astype("float32")


def _model(optimizer, seed=1, activation="relu", scale=1.0, **settings):
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(12, activation) for _ in range(6)]
    net = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
    net.set_weights([scale * weight for weight in net.get_weights()])
    model = raikeras.RelaxedModel(net, **settings)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    return model


def _state(model):
    """All that training changes, as arrays."""
    arrays = [keras.ops.convert_to_numpy(v.value) for v in model.optimizer.variables]
    if model.store is not None:
        ids = np.arange(model.store.num_examples)
        arrays += [model.store.read(key, ids) for key in model.store.tables]
    return [*model.net.get_weights(), *arrays]


def _fit_until_stopped(model, batch_size=40, epochs=40, **call):
    """Epochs that `fit` ran and the warning it gave."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "Training stopped")
        history = model.fit(*_data(), batch_size=batch_size, epochs=epochs, verbose=0, **call)
    said = [one for one in caught if "Training stopped" in str(one.message)]
    assert len(said) == 1
    assert said[0].filename == __file__
    return history.history["loss"], str(said[0].message)


@pytest.mark.parametrize(
    "name, settings",
    [
        ("sgd", {}),
        ("sgd", {"fuse": False}),
        ("momentum", {}),
        ("adam", {}),
        ("rmsprop", {}),
        ("sgd", {"targets": raikeras.Inferred(2, 1.0), "activation": "linear", "scale": 1e7}),
        ("sgd", {"targets": raikeras.Gradient(100.0), "activation": "linear"}),
        ("sgd", {"targets": raikeras.Learned(storage="host")}),
    ],
)
def test_diverging_training_stops_with_all_finite(name, settings):
    model = _model(OPTIMIZERS[name](), **settings)
    losses, message = _fit_until_stopped(model)
    assert len(losses) < 40
    assert np.isfinite(losses[:-1]).all()
    assert np.isnan(losses[-1])
    assert all(np.isfinite(array).all() for array in _state(model))
    # The step that was left out is the one that the message names.
    assert int(model.optimizer.iterations) == len(losses) - 1
    assert f"training step {len(losses)}." in message


@pytest.mark.parametrize("settings", [{}, {"targets": raikeras.Learned(storage="host")}])
def test_a_step_left_out_is_noted_until_metrics_are_reset(settings):
    def noted():
        return bool(keras.ops.convert_to_numpy(model.relaxed.overflowed.result()))

    model = _model(OPTIMIZERS["momentum"](), **settings)
    model.fit(*_data(), batch_size=40, epochs=1, verbose=0)
    assert not noted()
    _fit_until_stopped(model)
    assert noted()
    # Where all is zero a step would be finite.
    model.net.set_weights([0 * weight for weight in model.net.get_weights()])
    for number, part in enumerate(model.store.targets(np.arange(40))):
        model.store.write(f"targets/{number}", np.arange(40), 0 * part)
    x, y = _data()
    batch = {"inputs": x, "example_id": np.arange(40)}
    # Keras resets metrics before a batch that is trained alone.
    assert np.isfinite(model.train_on_batch(batch, y, return_dict=True)["loss"])
    assert not noted()


def test_what_is_left_is_the_state_before_the_step():
    model, same = (_model(OPTIMIZERS["momentum"]()) for _ in range(2))
    losses, _ = _fit_until_stopped(model)
    same.fit(*_data(), batch_size=40, epochs=len(losses) - 1, verbose=0)
    # One more step would move weights by far more than the rounding of another compilation.
    for left, before in zip(_state(model), _state(same), strict=True):
        assert np.linalg.norm(left - before) <= 1e-4 * np.linalg.norm(before)


def test_later_batches_of_the_epoch_change_nothing():
    """Twenty batches an epoch: those after the one left out are left out as well."""
    model = _model(OPTIMIZERS["momentum"]())
    losses, message = _fit_until_stopped(model, batch_size=2, epochs=3, shuffle=False)
    steps = int(model.optimizer.iterations)
    assert (len(losses) - 1) * 20 <= steps < len(losses) * 20
    assert f"training step {steps + 1}." in message
    assert all(np.isfinite(array).all() for array in _state(model))


def test_stops_within_an_epoch():
    batches = []
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(1))
    x, y = (np.tile(part, (10, 1)) for part in _data())
    model = _model(OPTIMIZERS["sgd"](), activation="linear", targets=raikeras.Gradient(100.0))
    with pytest.warns(UserWarning, match="Training stopped"):
        model.fit(x, y, batch_size=2, verbose=0, callbacks=[note])
    assert len(batches) == overflow.BATCHES


@pytest.mark.parametrize("step", [raikeras.Local(3), raikeras.ClosedForm(1e30)])
def test_local_steps_write_finite_weights(step):
    targets = raikeras.Gradient(1e12)
    model = _model(keras.optimizers.SGD(1e4), targets=targets, weight_step=step)
    _fit_until_stopped(model)
    assert all(np.isfinite(array).all() for array in _state(model))


def test_a_local_step_that_overflows_is_left_out(monkeypatch):
    """The first step is finite; the next one's gradient is not: the loss says so at once."""
    gradients = weight_steps.least_squares.gradients
    monkeypatch.setattr(weight_steps.least_squares, "pays", lambda *_: True)
    monkeypatch.setattr(
        weight_steps.least_squares,
        "gradients",
        lambda *given: [value * np.float32(np.inf) for value in gradients(*given)],
    )
    model = _model(
        keras.optimizers.SGD(1e-3), targets=raikeras.Gradient(), weight_step=raikeras.Local(2)
    )
    losses, _ = _fit_until_stopped(model)
    assert len(losses) == 1
    assert all(np.isfinite(array).all() for array in _state(model))


@pytest.mark.parametrize("settings", [{}, {"fuse": False}, {"targets": raikeras.Gradient()}])
def test_a_finite_training_is_the_same_to_the_bit_without_a_guard(monkeypatch, settings):
    def trained():
        model = _model(raikeras.optimizers.Rprop(0.01), activation="tanh", **settings)
        history = model.fit(*_data(), batch_size=40, epochs=8, verbose=0)
        return [np.array(history.history["loss"]), *_state(model)]

    guarded = trained()
    monkeypatch.setattr(overflow, "follow_if_finite", lambda *_: _[-1]())
    for one, other in zip(guarded, trained(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_frozen_weights_do_not_look_like_a_step_left_out():
    """Rows alone train, and the optimizer counts no steps."""
    model = _model(keras.optimizers.SGD(1e-2), activation="tanh")
    model.net.trainable = False
    model.compile(keras.optimizers.SGD(1e-2), keras.losses.BinaryCrossentropy(from_logits=True))
    history = model.fit(*_data(), batch_size=40, epochs=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert (model.store.read("age", np.arange(40)) == 3).all()


def test_the_message_names_what_overflows():
    """A target far away: its layer's mismatch has a square beyond float32."""
    model = _model(keras.optimizers.SGD(1e-3))
    model.fit(*_data(), batch_size=40, epochs=1, verbose=0)
    rows = model.store.read("targets/1", np.arange(40))  # of the chain
    rows[1, 3, 6] = 1e25  # of the third layer of 12 units
    model.store.write("targets/1", np.arange(40), rows)
    losses, message = _fit_until_stopped(model)
    names = [layer.name for layer in model.net.layers]
    assert len(losses) == 1
    assert f"Layer `{names[2]}` is the first whose mismatch, 1e+25" in message
    assert f"the largest target 1e+25, of layer `{names[2]}`" in message


@pytest.mark.parametrize("setting", [{"step_size": 1e9}, {"optimizer": keras.optimizers.SGD(1e9)}])
def test_an_explicit_step_of_inferred_targets_is_named(setting):
    """At the weights' rate here the default trains, so that leaving the setting out does help."""
    model = _model(keras.optimizers.SGD(1e-3), targets=raikeras.Inferred(4, **setting))
    _, message = _fit_until_stopped(model)
    assert "What helps: `Inferred` without `step_size` and `optimizer`" in message
    model = _model(keras.optimizers.SGD(1e-3), targets=raikeras.Inferred(4))
    losses = model.fit(*_data(), batch_size=40, epochs=5, verbose=0).history["loss"]
    assert np.isfinite(losses).all()


def test_the_curvature_is_no_remedy_where_it_is_followed():
    model = _model(keras.optimizers.SGD(1e30), targets=raikeras.Inferred(2), activation="linear")
    _, message = _fit_until_stopped(model)
    assert "What helps: a smaller learning rate" in message


def test_nothing_relaxed_is_plain_keras_also_where_it_overflows():
    weights = []
    for relaxed in (True, False):
        model = _model(OPTIMIZERS["sgd"](), relax=())
        if not relaxed:
            model = model.net
            model.compile(OPTIMIZERS["sgd"](), keras.losses.BinaryCrossentropy(from_logits=True))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.fit(*_data(), batch_size=40, epochs=6, verbose=0)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX always compiles")
@pytest.mark.parametrize("batch_size", [40, 20])
def test_a_compiled_step(batch_size):
    model = _model(OPTIMIZERS["momentum"]())
    model.compile(model.optimizer, model.loss, jit_compile=True)
    _, message = _fit_until_stopped(model, batch_size=batch_size)
    done = int(model.optimizer.iterations)
    assert f"training step {done + 1}." in message
    assert model.store.read("age", np.arange(40)).sum() == batch_size * done
    assert all(np.isfinite(array).all() for array in _state(model))


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
def test_a_norm_that_overflows_is_not_clipped_to_nan(clip):
    """Every square is finite and their sum is not: Keras would divide by an infinite norm."""
    keras.utils.set_random_seed(1)
    net = keras.Sequential([keras.Input((64,)), keras.layers.Dense(1)])
    model = raikeras.RelaxedModel(
        net, targets=raikeras.Gradient(), hidden_loss=raikeras.losses.HalfSquaredError()
    )
    model.compile(keras.optimizers.SGD(0.1, **{clip: 1.0}), "mse")
    before = [weight.copy() for weight in net.get_weights()]
    with pytest.warns(UserWarning, match="Training stopped"):
        model.fit(np.full((4, 64), 100.0, "float32"), np.full((4, 1), 5e16, "float32"), verbose=0)
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="reads what XLA makes of a program")
def test_what_the_guard_looks_at_is_not_computed_anew_for_each_variable():
    """It would be: 40 additions for each of 40 variables, in programs that compile for minutes."""
    import jax

    def step(losses, weights, gradients):
        total = sum(losses)
        fit = overflow._all_hold([keras.ops.isfinite(total), *load_backend().fit(gradients)])
        moved = zip(weights, gradients, strict=True)
        return [keras.ops.where(fit, w - 0.1 * g, w) for w, g in moved]

    numbers = [np.float32(number) for number in range(40)]
    arrays = [np.full((16, 16), number, "float32") for number in range(40)]
    compiled = jax.jit(step).lower(numbers, arrays, arrays).compile().as_text()
    assert compiled.count(" add(") <= 80
    assert compiled.count(" reduce(") <= 3  # one for some 32 gradients
    assert compiled.count(" select(") >= 40
