"""Times one training step: RAI against Keras' own backprop on the same net, and the floor.

`make bench` runs it on both backends, each in a process of its own. All models take turns, several
rounds over, so that a busy machine slows them alike: the ratios are what to read. The floor is the
step's own matrix products alone, one forward and two backward per layer.
"""

import argparse
import os
import subprocess
import sys
import time

BACKENDS = ("tensorflow", "jax")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=BACKENDS, help="default: both, one after another")
    parser.add_argument("--depth", type=int, default=100, help="hidden layers")
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--examples", type=int, default=100, help="full batch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20, help="steps per round and model")
    arguments = parser.parse_args()
    if arguments.backend:
        measure(arguments)
        return
    for backend in BACKENDS:
        environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        subprocess.run(
            [sys.executable, *sys.argv, "--backend", backend], env=environment, check=True
        )


def measure(arguments) -> None:
    """Prints the table of one backend."""
    import keras
    import numpy as np

    from raikeras.optimizers import Rprop
    from raikeras.presets import rai_as_code

    rng = np.random.default_rng(0)
    x = rng.normal(size=(arguments.examples, 2)).astype("float32")
    y = (x[:, :1] > 0).astype("float32")

    def net():
        keras.utils.set_random_seed(0)
        hidden = [keras.layers.Dense(arguments.units, "sigmoid") for _ in range(arguments.depth)]
        layers = [keras.Input((2,)), *hidden, keras.layers.Dense(1, "sigmoid")]
        return keras.Sequential(layers)

    def backprop(optimizer):
        model = net()
        model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
        return model

    def fit(model, steps):
        model.fit(x, y, batch_size=len(x), epochs=steps, shuffle=False, verbose=0)

    models = {
        "backprop, Rprop": backprop(Rprop(0.1)),
        "backprop, Adam": backprop("adam"),
        "RAI, deployed_every=1": rai_as_code(net(), metrics=["accuracy"]),
        "RAI, deployed_every=0": rai_as_code(net(), metrics=["accuracy"], deployed_every=0),
    }
    runs = {name: lambda model=model: fit(model, arguments.steps) for name, model in models.items()}
    runs["the products alone"] = products(arguments, rng)
    first = {name: seconds(run) for name, run in runs.items()}
    times = {name: [] for name in runs}
    for _ in range(arguments.rounds):
        for name, run in runs.items():
            times[name].append(1e3 * seconds(run) / arguments.steps)
    base = np.array(times["backprop, Rprop"])
    print(
        f"\n{keras.backend.backend()}: depth {arguments.depth}, {arguments.units} units, "
        f"{arguments.examples} examples, full batch, {arguments.rounds} rounds of "
        f"{arguments.steps} steps, {os.cpu_count()} cores"
    )
    print(f"{'':24}{'ms a step':>10}{'least':>8}{'most':>8}{'ratio':>8}{'first round, s':>16}")
    for name, values in times.items():
        ratio = np.median(np.array(values) / base)
        print(
            f"{name:24}{np.median(values):10.1f}{min(values):8.1f}{max(values):8.1f}"
            f"{ratio:8.2f}{first[name]:16.1f}"
        )
    print("ratio: median over rounds of the time over that of backprop with Rprop, in one round")


def products(arguments, rng):
    """A step's matrix products and nothing else, compiled by the running backend."""
    import keras
    from keras import ops

    shape = (arguments.depth, arguments.units, arguments.units)
    kernels = ops.convert_to_tensor(rng.normal(size=shape).astype("float32"))
    shape = (arguments.depth, arguments.examples, arguments.units)
    values = ops.convert_to_tensor(rng.normal(size=shape).astype("float32"))

    def three(values, kernels):
        forward = ops.matmul(values, kernels)
        back = ops.matmul(forward, ops.transpose(kernels, (0, 2, 1)))
        return ops.sum(back) + ops.sum(ops.matmul(ops.transpose(values, (0, 2, 1)), forward))

    if keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(three)
    else:
        import tensorflow as tf

        compiled = tf.function(three)

    def run():
        for _ in range(arguments.steps):
            float(compiled(values, kernels))

    return run


def seconds(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
