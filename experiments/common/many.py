"""Many small nets trained at once: one `vmap` over their weights, one `scan` over their steps.

A small net's step costs more in calls than in numbers. Here runs that differ in start, learning
rate, order of examples or a number of the objective share every call. JAX only; what a step does
is Keras' own: the net's call, the loss, the optimizer with its constraints.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
import numpy as np

Weights = list[jax.Array]  # as net.trainable_variables, each with a leading axis: the runs
# (weights of one run, x, y, that run's entry of `extra`) -> scalar
Objective = Callable[[Weights, Any, Any, Any], Any]


def starts(build: Callable[[], keras.Model], seeds: Sequence[int]) -> Weights:
    """Weights of the nets that `build` makes after `keras.utils.set_random_seed` of each seed."""
    drawn = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        drawn.append([np.asarray(weight.value) for weight in build().trainable_variables])
    return [jax.numpy.asarray(np.stack(each)) for each in zip(*drawn, strict=True)]


def repeat(weights: Weights, times: int) -> Weights:
    """The same starts once more for each of `times` settings: run = setting * starts + start."""
    return [jax.numpy.concatenate([weight] * times) for weight in weights]


class Many:
    """Runs of one net and one optimizer.

    Args:
        net: Keras model, built, without state of its own (no BatchNormalization, no Dropout).
        optimizer: Keras optimizer of this net alone.
        objective: What each run minimises, see `Objective`; `net.stateless_call` inside.
        weights: Stacked starts.
        rates: Learning rates, shape `(runs,)`.
    """

    def __init__(
        self,
        net: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        objective: Objective,
        weights: Weights,
        rates: Sequence[float],
    ):
        if net.non_trainable_variables:
            raise ValueError(f"{net.name} keeps state, which runs trained at once cannot share.")
        optimizer.build(net.trainable_variables)
        self.net, self.weights, count = net, weights, len(rates)
        self.state = [
            jax.numpy.asarray(rates, variable.dtype)
            if variable is optimizer._learning_rate
            else jax.numpy.broadcast_to(variable.value, (count, *variable.shape))
            for variable in optimizer.variables
        ]

        def step(weights, state, x, y, rows, extra):
            loss, gradients = jax.value_and_grad(objective)(weights, x[rows], y[rows], extra)
            return *optimizer.stateless_apply(state, gradients, weights), loss

        def scan(weights, state, x, y, order, extra, record):
            def body(carry, rows):
                after, moved, loss = jax.vmap(step, (0, 0, None, None, 0, 0))(
                    *carry, x, y, rows, extra
                )
                return (after, moved), (loss, jax.vmap(record)(after) if record else ())

            return jax.lax.scan(body, (weights, state), jax.numpy.swapaxes(order, 0, 1))

        self._scan = jax.jit(scan, static_argnames="record")
        self._call = jax.jit(
            jax.vmap(lambda weights, x: net.stateless_call(weights, [], x)[0], (0, None))
        )

    def train(self, x, y, order, extra=None, record: Callable[[Weights], Any] | None = None):
        """Takes `order.shape[1]` steps. Call it again to go on.

        Args:
            x, y: Examples that all runs share.
            order: Rows of each step's batch, integers of shape `(runs, steps, batch)`.
            extra: Numbers of the objective by run: an array or pytree, leading axis runs.
            record: Takes the weights of one run after a step, returns what to keep of them.

        Returns:
            `(losses, kept)`: losses before each step, shape `(steps, runs)`, and what `record`
            returned, with the leading axes `(steps, runs)`.
        """
        (self.weights, self.state), (losses, kept) = self._scan(
            self.weights, self.state, x, y, jax.numpy.asarray(order), extra, record
        )
        return np.asarray(losses), jax.tree.map(np.asarray, kept)

    def outputs(self, x) -> np.ndarray:
        """What every net makes of `x`, shape `(runs, len(x), ...)`."""
        return np.asarray(self._call(self.weights, x))


def shuffled(rng: np.random.Generator, runs: int, examples: int, batch: int) -> np.ndarray:
    """One epoch's order for each run, without the last, short batch: `(runs, steps, batch)`."""
    steps = examples // batch
    drawn = rng.permuted(np.tile(np.arange(examples, dtype="int32"), (runs, 1)), axis=1)
    return drawn[:, : steps * batch].reshape(runs, steps, batch)
