"""Trains small nets with and without layers spread over devices; prints how far they differ.

A program of its own, for the number of devices is fixed when JAX starts. Started by
test_distribution.py: `python distributed.py [CASE ...]`.
"""

import json
import os
import sys

DEVICES = 4
os.environ["KERAS_BACKEND"] = "jax"
flags = os.environ.get("XLA_FLAGS", "")
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES} {flags}"

import keras
import numpy as np

import raikeras
from raikeras import presets

BATCH, EXAMPLES, UNITS = 8, 24, 6
adam, sgd = keras.optimizers.Adam, keras.optimizers.SGD


def plain(depth, regularizer="l2"):
    """Layers of which all but the first and last make a chain."""
    hidden = [
        keras.layers.Dense(UNITS, "tanh", kernel_regularizer=regularizer, name=f"hidden_{k}")
        for k in range(depth)
    ]
    return keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(UNITS, name="first"), *hidden]
        + [keras.layers.Dense(1, name="last")]
    )


def residual(depth):
    x = keras.Input((3,))
    h = keras.layers.Dense(UNITS, name="first")(x)
    for k in range(depth):
        branch = keras.layers.Dense(UNITS, name=f"branch_{k}")(keras.layers.Activation("tanh")(h))
        branch = keras.layers.Rescaling(0.3)(branch)
        h = keras.layers.Add(name=f"hidden_{k}")([h, branch])
    return keras.Model(x, keras.layers.Dense(1, name="last")(h))


def hidden(net):
    return [layer.name for layer in net.layers if layer.name.startswith(("first", "hidden"))]


def relaxed(net, optimizer, **settings):
    model = raikeras.RelaxedModel(net, relax=hidden(net), **settings)
    model.compile(optimizer, "mean_squared_error")
    return model


def learned(net, optimizer=None, targets=None, **settings):
    targets = targets or sgd(0.2, momentum=0.5)
    own = {key: settings.pop(key) for key in ("multiplier_rate", "storage") if key in settings}
    rule = raikeras.Learned(optimizer=targets, **own)
    return relaxed(net, optimizer or sgd(0.05, momentum=0.9), targets=rule, **settings)


def half():
    return raikeras.losses.HalfSquaredError("sum_over_batch_size")


def locoprop(net, name, **settings):
    make = getattr(presets, name)
    return make(net, "mean_squared_error", sgd(1e-3), relax=hidden(net), **settings)


# By name: a net, the function that makes its model, and the groups that split a batch.
CASES = {
    "rows": (lambda: plain(8), learned, 1),
    "rows, adam, post_activation": (
        lambda: plain(8),
        lambda net: learned(net, adam(1e-2), adam(1e-2), at="post_activation", deployed_every=1),
        1,
    ),
    "a chain that does not divide": (lambda: plain(11), learned, 1),
    "fewer layers than devices": (lambda: plain(3), learned, 1),
    "multipliers": (
        lambda: plain(8),
        lambda net: learned(net, multiplier_rate=0.1, hidden_loss=half()),
        1,
    ),
    "rows on the host": (lambda: plain(8), lambda net: learned(net, storage="host"), 1),
    "matching": (lambda: plain(8), lambda net: learned(net, hidden_loss="matching"), 1),
    "residual": (lambda: residual(8), learned, 1),
    "inferred": (
        lambda: plain(8),
        lambda net: relaxed(net, sgd(0.05), targets=raikeras.Inferred(4, 0.1)),
        1,
    ),
    "inferred by curvature": (
        lambda: plain(8),
        lambda net: relaxed(
            net, sgd(0.05), targets=raikeras.Inferred(4), hidden_loss=half(), hidden_weight=5.0
        ),
        1,
    ),
    "inferred errors": (
        lambda: plain(8),
        lambda net: relaxed(
            net, sgd(0.05), targets=raikeras.InferredErrors(3, 0.1), hidden_loss=half()
        ),
        1,
    ),
    "locoprop_s": (lambda: plain(8), lambda net: locoprop(net, "locoprop_s"), 1),
    "locoprop_m": (lambda: plain(8), lambda net: locoprop(net, "locoprop_m"), 1),
    "closed form": (
        lambda: plain(8, None),
        lambda net: locoprop(net, "locoprop_s", weight_step=raikeras.ClosedForm(1e-2)),
        1,
    ),
    "batches split, too": (lambda: plain(8), learned, 2),
    "batches split alone": (lambda: plain(8), learned, 4),
    "layer by layer": (lambda: plain(8), lambda net: learned(net, fuse=False), 1),
}


def trained(case, spread):
    """Weights, rows and columns after three epochs, attached, released and attached again.

    Also the chains' lengths, numbers of devices of variables, and how far weights have moved.
    """
    build, make, replicas = CASES[case]
    layout = raikeras.distribution.layer_parallel(replicas=replicas) if spread else None
    keras.distribution.set_distribution(layout)
    keras.utils.set_random_seed(4)
    rng = np.random.default_rng(5)
    x = rng.normal(size=(EXAMPLES, 3)).astype(keras.config.floatx())
    y = np.sin(x.sum(axis=1, keepdims=True))
    model = make(build())
    start = model.net.get_weights()
    fit = {"batch_size": BATCH, "verbose": 0, "shuffle": False, "validation_data": (x, y)}
    first = model.fit(x, y, epochs=2, **fit).history
    outputs = model.predict(x, verbose=0)
    last = model.fit(x, y, epochs=1, **fit).history
    rows = list(model.targets(np.arange(EXAMPLES)).values()) if model.store else []
    columns = [np.array(first[name] + last[name]) for name in first]
    spread_over = {len(one.value.sharding.device_set) for one in model.variables}
    chains = [len(chain) for chain in model.relaxed.network.chains]
    weights = model.net.get_weights()
    moved = max(float(np.abs(a - b).max()) for a, b in zip(weights, start, strict=True))
    return [*weights, outputs, *rows, *columns], chains, spread_over, moved


def main():
    wanted = sys.argv[1:] or list(CASES)
    if os.environ.get("WIDE"):
        import jax

        jax.config.update("jax_enable_x64", True)
        keras.config.set_floatx("float64")
    for case in wanted:
        alone, _, _, _ = trained(case, spread=False)
        apart, chains, devices, moved = trained(case, spread=True)
        far = max(
            float(np.max(np.abs(a - b) / (1 + np.abs(a)))) if a.size else 0.0
            for a, b in zip(alone, apart, strict=True)
        )
        found = {"case": case, "far": far, "chains": chains, "devices": sorted(devices)}
        print(json.dumps(found | {"moved": moved}), flush=True)


if __name__ == "__main__":
    main()
