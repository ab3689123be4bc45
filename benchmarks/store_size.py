"""Times one training step against the number of examples that have rows.

The net is 784-256-256-10 (tanh), the batch 200, the rows have Adam slots, the data are made per
batch. Steps are timed once all examples have been seen: an example's first visit costs a forward
pass more, in a store of any size, and is timed apart. Each backend, storage and size runs in a
process of its own, sizes in turn, several rounds over; ratios are to the smallest size of the same
round. Peak is memory beyond that at the start. The largest size needs 6.3 GB.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

BACKENDS = ("tensorflow", "jax")
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=BACKENDS, nargs="*", default=BACKENDS)
    parser.add_argument("--storage", nargs="*", default=["device", "host"], help="or a path")
    parser.add_argument("--examples", type=int, nargs="*", default=SIZES)
    parser.add_argument("--steps", type=int, default=200, help="timed")
    parser.add_argument("--rounds", type=int, default=3, help="sizes take turns, so often")
    parser.add_argument("--one", action="store_true", help="time one combination in this process")
    arguments = parser.parse_args()
    if arguments.one:
        one = (arguments.storage[0], arguments.examples[0], arguments.steps)
        print(json.dumps(measure(*one)))
        return
    print(f"{os.cpu_count()} cores, {arguments.rounds} rounds, medians of {arguments.steps} steps")
    for backend in arguments.backend:
        for storage in arguments.storage:
            rounds = [
                [in_a_process(backend, storage, n, arguments.steps) for n in arguments.examples]
                for _ in range(arguments.rounds)
            ]
            show(f"{backend}, {storage}", arguments.examples, rounds)


def show(title: str, sizes: list[int], rounds: list[list[dict]]) -> None:
    """Prints medians over rounds; a ratio is taken within a round."""
    columns = {"ratio": 8, "ms a step": 11, "first visit": 13, "store, GB": 11, "peak, GB": 11}
    print(f"\n{title:24}" + "".join(f"{name:>{width}}" for name, width in columns.items()))
    for place, examples in enumerate(sizes):
        results = [row[place] for row in rounds]
        times = [result["milliseconds"] for result in results]
        ratios = [time / row[0]["milliseconds"] for time, row in zip(times, rounds, strict=True)]
        peak = statistics.median(result["peak"] for result in results)
        first = statistics.median(result["first"] for result in results)
        print(
            f"{examples:24,}{statistics.median(ratios):8.2f}{statistics.median(times):11.2f}"
            f"{first:13.2f}{results[0]['store'] / 1e9:11.2f}{peak / 1e9:11.2f}",
            flush=True,
        )


def in_a_process(backend: str, storage: str, examples: int, steps: int) -> dict:
    """Runs one combination under its backend and returns what it printed."""
    settings = ["--storage", storage, "--examples", str(examples), "--steps", str(steps), "--one"]
    run = subprocess.run(
        [sys.executable, __file__, *settings],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


def measure(storage: str, examples: int, steps: int) -> dict:
    """Median milliseconds of a step, bytes of the store and of the process' growth."""
    import keras
    import numpy as np

    import raikeras

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 784)).astype("float32")
    y = rng.integers(0, 10, 200)

    visits = -(-examples // 200)

    def stream():  # one set of inputs: what is timed is the rows, drawn from all of them
        for ids in np.resize(rng.permutation(examples), (visits, 200)).astype("int32"):
            yield {"inputs": x, "example_id": ids}, y
        while True:
            yield {"inputs": x, "example_id": rng.integers(0, examples, 200, dtype="int32")}, y

    class Clock(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.times = []

        def on_train_batch_end(self, batch, logs=None):
            float(logs["loss"])  # waits for the step
            self.times.append(time.perf_counter())

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(units, "tanh") for units in (256, 256)]
    net = keras.Sequential([keras.Input((784,)), *layers, keras.layers.Dense(10)])
    targets = raikeras.Learned(examples, optimizer="adam", storage=storage)
    model = raikeras.RelaxedModel(net, targets=targets, deployed_every=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    clock, start = Clock(), peak_bytes()
    settings = {"steps_per_epoch": visits + steps + 2, "shuffle": False, "verbose": 0}
    model.fit(stream(), callbacks=[clock], **settings)
    return {
        "milliseconds": 1e3 * float(np.median(np.diff(clock.times[visits:]))),
        "first": 1e3 * float(np.median(np.diff(clock.times[2 : visits + 1]))),
        "store": model.store_bytes(),
        "peak": peak_bytes() - start,
    }


def peak_bytes() -> int:
    """The most memory that this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
