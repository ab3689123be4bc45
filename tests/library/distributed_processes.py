"""One of several processes that train one model: `PROCESSES NUMBER PORT FOLDER`."""

import json
import os
import sys

PROCESSES, NUMBER, PORT = (int(word) for word in sys.argv[1:4])
FOLDER = sys.argv[4]
os.environ["KERAS_BACKEND"] = "jax"
flags = os.environ.get("XLA_FLAGS", "")
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={4 // PROCESSES} {flags}"

import keras

if PROCESSES > 1:
    keras.distribution.initialize(f"127.0.0.1:{PORT}", PROCESSES, NUMBER)

import numpy as np
from jax.experimental import multihost_utils

import raikeras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 3)).astype("float32")
Y = np.sin(X.sum(axis=1, keepdims=True))
FIT = {"batch_size": 8, "verbose": 0}


def model():
    keras.utils.set_random_seed(5)
    hidden = [keras.layers.Dense(8, "tanh", name=f"hidden_{k}") for k in range(9)]
    net = keras.Sequential([keras.Input((3,)), *hidden, keras.layers.Dense(1)])
    made = raikeras.RelaxedModel(
        net,
        relax=[layer.name for layer in hidden],
        targets=raikeras.Learned(optimizer=keras.optimizers.Adam(0.01)),
    )
    made.compile(keras.optimizers.Adam(0.01), "mse")
    return made


class Change(keras.callbacks.Callback):
    """Sets a layer's weights while it trains."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.jax_state_sync()
        layer = self.model.net.layers[2]
        layer.set_weights([0.5 * one for one in layer.get_weights()])


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def numbers(trained):
    """What training has made of weights and rows."""
    weights = [float(np.abs(one).sum()) for one in trained.net.get_weights()]
    rows = trained.targets(np.arange(len(X))).values()
    return weights + [float(np.abs(one).sum()) for one in rows]


def main():
    os.makedirs(FOLDER, exist_ok=True)
    keras.distribution.set_distribution(raikeras.distribution.layer_parallel())
    found = {}
    trained = model()
    found["loss"] = trained.fit(X, Y, epochs=2, shuffle=False, **FIT).history["loss"]
    found["trained"] = numbers(trained)
    found["outputs"] = float(np.abs(trained.predict(X, verbose=0)).sum())
    found["evaluated"] = float(trained.evaluate(X, Y, verbose=0))
    # One layer is read and one is set, the others still lie where they were trained.
    kernel = np.asarray(trained.net.layers[3].kernel.value)
    trained.net.layers[4].kernel.assign(kernel)
    trained.fit(X, Y, epochs=1, shuffle=False, **FIT)
    found["read_one"] = [float(np.abs(kernel).sum()), *numbers(trained)]
    trained.save(f"{FOLDER}/model.keras")
    loaded = keras.saving.load_model(f"{FOLDER}/model.keras")
    for name, one in (("loaded", loaded), ("went_on", trained)):
        one.reset_targets()  # a saved model has no rows
        one.fit(X, Y, epochs=1, shuffle=False, **FIT)
        found[name] = numbers(one)

    changed = model()
    changed.fit(X, Y, epochs=2, shuffle=False, callbacks=[Change()], **FIT)
    found["changed"] = numbers(changed)

    def backup():
        return raikeras.callbacks.Backup(f"{FOLDER}/backup", save_freq=0)

    try:
        model().fit(X, Y, epochs=4, callbacks=[Stop(), backup()], **FIT)
    except KeyboardInterrupt:
        multihost_utils.sync_global_devices("stopped")
    for name in ("resumed", "straight"):
        again = model()
        again.fit(X, Y, epochs=4, callbacks=[backup()], **FIT)
        multihost_utils.sync_global_devices(name)
        found[name] = numbers(again)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
