"""Who is timed against whom, and the clock by which they take turns.

Used by the benchmarks and by experiments/e14_scaling, so that both time the same thing. Needs
Keras, NumPy and raikeras; the floor asks the running backend to compile it.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

import raikeras

METHODS = ("backprop", "layerwise", "fused")
RATES = {"rprop": 0.1, "sgd": 0.01, "adam": 0.001}
# Keras walks a Functional model by recursion, a few calls a layer.
CALLS_A_LAYER, OTHER_CALLS = 20, 10_000


class Contender:
    """A net and the method that trains it, with data of its own.

    Args:
        method: `"backprop"`: Keras' own training. `"layerwise"`, `"fused"`: RAI with its default
            settings, the chain of equal layers unfused or fused.
        optimizer: `"rprop"`, `"sgd"` or `"adam"`, for weights and targets alike.
        depth: Number of hidden sigmoid layers; one output layer follows.
        units: Units of each hidden layer.
        batch: Examples of a batch.
        batches: Batches of an epoch. RAI keeps a row for each example of all of them.
        deployed_every: See `raikeras.RelaxedModel`; `None` for its default.
        inferred: Steps of inference; `None` for targets that are learned.
        multipliers: Whether targets have multipliers.
        jit_compile: See `keras.Model.compile`.
    """

    def __init__(
        self,
        method: str,
        optimizer: str,
        *,
        depth: int,
        units: int,
        batch: int,
        batches: int,
        deployed_every: int | None = 0,
        inferred: int | None = None,
        multipliers: bool = False,
        jit_compile: str | bool = "auto",
    ):
        if method not in METHODS:
            raise ValueError(f"`method` must be one of {METHODS}. Received: method={method!r}")
        self.model = net(depth, units)
        if method != "backprop":
            chosen: dict[str, Any] = (
                {} if deployed_every is None else {"deployed_every": deployed_every}
            )
            given: dict[str, Any] = {"multiplier_rate": 0.1} if multipliers else {}
            if inferred is not None:
                chosen["targets"] = raikeras.Inferred(inferred, **given)
            elif multipliers:
                chosen["targets"] = raikeras.Learned(**given)
            self.model = raikeras.RelaxedModel(self.model, fuse=method == "fused", **chosen)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        self.model.compile(optimizer_of(optimizer), loss, jit_compile=jit_compile)
        self._data, self._batch = moons_like(batch * batches), batch

    def fit(self, epochs: int = 1) -> None:
        """Trains through `fit`, batches in their order, no output."""
        self.model.fit(*self._data, batch_size=self._batch, epochs=epochs, shuffle=False, verbose=0)

    def rows_bytes(self) -> int:
        """What the rows and their slots take; 0 for backprop and before the first `fit`."""
        store = getattr(self.model, "store", None)
        tables = store.tables.values() if store else ()
        return sum(int(np.prod(table.shape)) * np.dtype(table.dtype).itemsize for table in tables)


def net(depth: int, units: int) -> keras.Sequential:
    """Sigmoid layers on two inputs that end in one logit; the same weights in every call."""
    needed = CALLS_A_LAYER * depth + OTHER_CALLS
    sys.setrecursionlimit(max(sys.getrecursionlimit(), needed))
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(units, "sigmoid") for _ in range(depth)]
    return keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1)])


def optimizer_of(name: str) -> keras.optimizers.Optimizer:
    """A fresh optimizer by its short name."""
    kinds = {
        "rprop": raikeras.optimizers.Rprop,
        "sgd": keras.optimizers.SGD,
        "adam": keras.optimizers.Adam,
    }
    if name not in kinds:
        raise ValueError(f"`optimizer` must be one of {tuple(kinds)}. Received: {name!r}")
    return kinds[name](RATES[name])


def moons_like(examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of two classes, shapes `(examples, 2)` and `(examples, 1)`."""
    x = np.random.default_rng(0).normal(size=(examples, 2)).astype("float32")
    return x, (x[:, :1] > 0).astype("float32")


def floor(depth: int, units: int, batch: int, jit_compile: bool = False) -> Callable[[], tuple]:
    """The three batched products of one step of a chain and nothing else, compiled.

    A chain of `depth` equal layers whose targets are given multiplies once forward and twice
    backward. Whatever else a step does (transfer functions, losses, updates) comes on top.

    Args:
        depth, units, batch: As of a `Contender`.
        jit_compile: On TensorFlow whether XLA compiles it. JAX always does.

    Returns:
        A function that computes the products `(depth, batch, units)` of values and kernels,
        `(depth, batch, units)` of errors and transposed kernels and `(depth, units, units)` of
        transposed values and errors, and returns once they are there. On torch nothing is compiled.
    """
    rng = np.random.default_rng(0)
    shapes = (batch, units), (batch, units), (units, units)
    # Drawn layer by layer: NumPy draws in double precision.
    drawn = [
        np.stack([rng.normal(size=shape).astype("float32") for _ in range(depth)])
        for shape in shapes
    ]
    values, errors, kernels = map(ops.convert_to_tensor, drawn)

    def products(values, errors, kernels):
        forward = ops.matmul(values, kernels)
        to_values = ops.matmul(errors, ops.transpose(kernels, (0, 2, 1)))
        to_kernels = ops.matmul(ops.transpose(values, (0, 2, 1)), errors)
        return forward, to_values, to_kernels

    if keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(products)
        return lambda: jax.block_until_ready(compiled(values, errors, kernels))
    if keras.backend.backend() == "torch":
        return lambda: products(values, errors, kernels)
    import tensorflow as tf

    compiled = tf.function(products, jit_compile=jit_compile)
    return lambda: compiled(values, errors, kernels)


def repeated(run: Callable[[], object], times: int) -> Callable[[], None]:
    """`run`, so many times."""

    def runs() -> None:
        for _ in range(times):
            run()

    return runs


def seconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def take_turns(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    """Times all runs in turn, several rounds over, so that a busy machine slows all alike.

    Returns:
        Name -> seconds of each round, `(rounds,)`.
    """
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(run))
    return {name: np.array(values) for name, values in times.items()}


def ratio(times: np.ndarray, base: np.ndarray) -> float:
    """Median over rounds of the quotient within a round."""
    return float(np.median(times / base))
