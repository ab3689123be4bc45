"""`experiments/common/vectorised.py`: runs at once equal the library's `fit` one by one."""

import keras
import numpy as np
import pytest

import raikeras
from raikeras.initializers import isometric_start

if keras.backend.backend() != "jax":
    pytest.skip("the sweep maps JAX programs", allow_module_level=True)

from experiments.common import vectorised
from experiments.common.knobs import Knobs

STEPS = 6
LOSS = keras.losses.BinaryCrossentropy(from_logits=True)


def net(seed, depth=4):
    layers = [keras.layers.Dense(5, "sigmoid") for _ in range(depth)]
    built = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
    return isometric_start(built, seed=seed)


def data(n=8):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 2)).astype("float32")
    return x, (x[:, :1] > 0).astype("float32")


def decay(rate):
    return keras.optimizers.schedules.PolynomialDecay(rate, STEPS, 0.02 * rate)


def model(method, rate, target_rate, first, last, built, knobs=None):
    """With numbers, as a user writes it; with knobs, their names."""
    if knobs is None:
        rate, target_rate = decay(rate), decay(target_rate)
        weight = keras.optimizers.schedules.ExponentialDecay(first, STEPS, last / first)
    else:
        rate, target_rate = knobs.falling("rate", STEPS), knobs.falling("target_rate", STEPS)
        weight = knobs.growing("first", "last", STEPS)
    adam, own = keras.optimizers.Adam(rate), keras.optimizers.Adam(target_rate)
    options = {"deployed_every": 0}
    if method == "bp":
        options |= {"relax": ()}
    else:
        rule = {
            "learned": lambda: raikeras.Learned(optimizer=own),
            "inferred": lambda: raikeras.Inferred(2, None, own),
            "gradient": lambda: raikeras.Gradient(1.0),
        }[method]()
        options |= {"targets": rule, "hidden_weight": weight}
    made = raikeras.RelaxedModel(built, **options)
    if knobs is not None:
        made.knobs = knobs
    made.compile(adam, LOSS)
    return made


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("method", ["bp", "learned", "inferred", "gradient"])
def test_runs_at_once_equal_fit_one_by_one(method, together):
    settings = [
        {"rate": 1e-2, "target_rate": 1e-2, "first": 1.0, "last": 10.0},
        {"rate": 3e-3, "target_rate": 3e-2, "first": 2.0, "last": 50.0},
    ]
    x, y = data()
    knobs = Knobs(**settings[0])
    runs = vectorised.Sweep(
        model(method, 0, 0, 0, 0, net(0), knobs),
        [net(seed).get_weights() for seed in (1, 2)],
        settings,
        len(x),
        together,
    )
    order = vectorised.full_batch(2, STEPS // 2, len(x))
    losses = np.concatenate([runs.train(x, y, order), runs.train(x, y, order)])
    for run, (seed, numbers) in enumerate(zip((1, 2), settings, strict=True)):
        built = net(seed)
        alone = model(method, **numbers, built=built)
        history = alone.fit(x, y, batch_size=len(x), shuffle=False, epochs=STEPS, verbose=0)
        np.testing.assert_allclose(losses[:, run], history.history["loss"], rtol=2e-5)
        np.testing.assert_allclose(
            runs.outputs(x)[run], built.predict(x, verbose=0), atol=2e-5, rtol=2e-5
        )
        for ours, theirs in zip(runs.net_weights(run), built.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_runs_with_data_of_their_own_see_no_others():
    x, y = data()
    knobs = Knobs(rate=1e-2, target_rate=1e-2, first=1.0, last=10.0)
    made = model("learned", 0, 0, 0, 0, net(0), knobs)
    start = net(1).get_weights()
    runs = vectorised.Sweep(made, [start, start], [{}, {}], len(x))
    order = vectorised.shuffled([0, 0], 2, len(x), 4)
    runs.train(np.stack([x, -x]), np.stack([y, y]), order, by_run=True)
    outputs = runs.outputs(np.stack([x, x]), by_run=True)
    assert not np.allclose(outputs[0], outputs[1], atol=1e-4)
    np.testing.assert_array_equal(np.sort(order[0, :2].ravel()), np.arange(len(x)))


def test_each_run_must_have_settings():
    knobs = Knobs(rate=1e-2, target_rate=1e-2, first=1.0, last=10.0)
    made = model("bp", 0, 0, 0, 0, net(0), knobs)
    with pytest.raises(ValueError, match="1 starts, 2 settings"):
        vectorised.Sweep(made, [net(0).get_weights()], [{}, {}], 8)
    with pytest.raises(ValueError, match="There are knobs"):
        knobs["nothing"]


def test_schedules_of_a_knob_follow_it():
    knobs = Knobs(weight=4.0)
    constant, over = knobs.constant("weight"), knobs.over(2.0, "weight")
    assert (float(constant(0)), float(over(0))) == (4.0, 0.5)
    knobs["weight"].assign(8.0)
    assert (float(constant(3)), float(over(3))) == (8.0, 0.25)
