"""Trains one epoch with a chain of so many layers over four devices: `DEPTH`.

A program of its own, whose compiled step XLA writes to a folder if its flags say so.
"""

import json
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
flags = os.environ.get("XLA_FLAGS", "")
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count=4 {flags}"

import keras
import numpy as np

import raikeras

BATCH, UNITS = 16, 16


def main():
    if not os.environ.get("TOO_LATE"):
        keras.distribution.set_distribution(raikeras.distribution.layer_parallel())
    keras.utils.set_random_seed(0)
    hidden = [
        keras.layers.Dense(UNITS, "tanh", name=f"hidden_{k}") for k in range(int(sys.argv[1]) + 1)
    ]
    net = keras.Sequential([keras.Input((3,)), *hidden, keras.layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=(4 * BATCH, 3)).astype("float32")
    y = np.sin(x.sum(axis=1, keepdims=True))
    model = raikeras.RelaxedModel(
        net,
        relax=[layer.name for layer in hidden],
        targets=raikeras.Learned(optimizer=keras.optimizers.SGD(0.1, momentum=0.9)),
        deployed_every=int(os.environ.get("DEPLOYED_EVERY", 0)),
    )
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    if os.environ.get("TOO_LATE"):
        keras.distribution.set_distribution(raikeras.distribution.layer_parallel())
    try:
        model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    except ValueError as error:
        print(json.dumps({"error": str(error)}))


if __name__ == "__main__":
    main()
