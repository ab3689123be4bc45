"""Many runs in one compiled program: seeds, settings and data sets at once.

A small net's step costs more in calls than in numbers, and every run compiles it anew. Here runs
that differ in start, in numbers of the objective and optimizer, in data and in the order of
examples share every call. Small nets run side by side (`vmap`), deep ones one after another. JAX
only.

`Sweep` trains by a `RelaxedModel`'s own step, `Many` a net by an objective of its own.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp

from raikeras import FunctionalStep

Weights = list[jax.Array]  # as net.trainable_variables, each with a leading axis: the runs
# (weights of one run, x, y, that run's entry of `extra`) -> scalar
Objective = Callable[[Weights, Any, Any, Any], Any]


class Runs:
    """Runs that take the same step, each from a state of its own.

    Args:
        step: `step(state, x, y, ids, extra)` gives the state after a step on the examples `ids` of
            `x` and `y`, and the objective before it. The first entry of a state is the weights.
        outputs: `outputs(state, x)` gives what a run's network makes of `x`.
        together: Whether the runs take each step side by side. Deep nets want one after another.

    Attributes:
        state: The runs' states, whose arrays have a leading axis: the runs.
    """

    state: Any

    def __init__(self, step: Callable, outputs: Callable, together: bool = True):
        def run(state, order, extra, x, y, record):
            def one(state, ids):
                state, loss = step(state, x, y, ids, extra)
                return state, (loss, record(state[0]) if record else ())

            return jax.lax.scan(one, state, order)

        def train(state, order, extra, x, y, by_run, record):
            mapped = _over_runs(lambda *args: run(*args, record), 0 if by_run else 2, together)
            return mapped(state, order, extra, x, y)

        def deployed(state, x, by_run):
            return _over_runs(outputs, 0 if by_run else 1, together)(state, x)

        self._train = jax.jit(train, static_argnames=("by_run", "record"), donate_argnums=0)
        self._outputs = jax.jit(deployed, static_argnames="by_run")

    def train(self, x, y, order, extra=None, *, by_run=False, record: Callable | None = None):
        """Takes `order.shape[1]` steps. Call it again to go on.

        Args:
            x, y: Examples, shared by the runs or with `by_run` with a leading axis of runs.
            order: Integers `(runs, steps, batch)`, the examples of each step's batch.
            extra: Numbers of the objective by run: an array or pytree, leading axis runs.
            by_run: Whether each run has data of its own.
            record: Takes the weights of one run after a step, returns what to keep of them.

        Returns:
            The objective before each step, `(steps, runs)`; with `record` a pair of it and of what
            was kept, with the leading axes `(steps, runs)`.
        """
        given = jnp.asarray(order, "int32"), extra, jnp.asarray(x), jnp.asarray(y)
        self.state, found = self._train(self.state, *given, by_run=by_run, record=record)
        losses, kept = jax.tree.map(lambda one: np.swapaxes(np.asarray(one), 0, 1), found)
        return (losses, kept) if record else losses

    def outputs(self, x, by_run=False) -> np.ndarray:
        """What the networks make of `x`: `(runs, len(x), ...)`."""
        return np.asarray(self._outputs(self.state, jnp.asarray(x), by_run=by_run))


class Sweep(Runs):
    """Runs of one compiled `RelaxedModel` by its functional step.

    Args:
        model: Compiled `RelaxedModel`; backprop is one with `relax=()`. Its `net` must have no
            state of its own. What it holds afterwards is of no use.
        starts: A list as `net.get_weights()` gives it for each run.
        settings: A dict of knobs for each run; knobs left out keep the model's values.
        num_examples: Integer, number of training examples, which rows need.
        together: See `Runs`.
    """

    def __init__(self, model, starts, settings, num_examples, together=True):
        self.model = model
        self.step = FunctionalStep(model, *self._batch(), num_examples, may_repeat=False)

        def step(state, x, y, ids, extra):
            after, logs = self.step(state, x[ids], y[ids], ids)
            return after, logs["loss"]

        super().__init__(step, self.step.outputs, together)
        self.restart([self.stacked(start) for start in starts], settings)

    def restart(self, starts, settings) -> None:
        """Begins anew, with other runs; as many of them as before need no new compilation.

        Args:
            starts: For each run its weights as `stacked` gives them.
            settings: As in the constructor.
        """
        if len(starts) != len(settings):
            raise ValueError(
                "Each run must have a start and settings. Received: "
                f"{len(starts)} starts, {len(settings)} settings"
            )
        weights = [jnp.asarray(np.stack(each)) for each in zip(*starts, strict=True)]
        knobs: Any = getattr(self.model, "knobs", None)
        variables = self.step.variables
        names = {id(knobs[name]): name for one in settings for name in one}

        def by_run(variable):
            if id(variable) not in names:
                return jnp.zeros((len(settings), *variable.shape), variable.dtype) + variable.value
            name, value = names[id(variable)], float(variable.value)
            return jnp.asarray([one.get(name, value) for one in settings], variable.dtype)

        others = ([by_run(variable) for variable in group] for group in variables[1:])
        self.state = type(variables)(weights, *others)

    def stacked(self, start) -> list[np.ndarray]:
        """A start, as `net.get_weights()` gives it, as it trains: equal layers in a row stacked."""
        return [np.asarray(one) for one in self.step.stack(start)]

    @property
    def weights(self) -> Weights:
        """The trainable weights, as they train."""
        return self.state.weights

    def net_weights(self, run: int) -> list[np.ndarray]:
        """The weights of one run, as `net.get_weights()` gives them."""
        return self.step.unstack([one[run] for one in self.weights])

    def _batch(self):
        """A batch as the model takes it."""
        sparse = "sparse" in getattr(self.model.loss, "name", str(self.model.loss)).lower()
        labels = (None,) if sparse else self.model.net.output_shape
        shapes = ((2, *shape[1:]) for shape in (self.model.net.input_shape, labels))
        return [np.zeros(shape, "float32") for shape in shapes]


class Many(Runs):
    """Runs of one net by an objective and an optimizer, as Keras takes its steps.

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
        rate = optimizer.learning_rate

        def step(state, x, y, ids, extra):
            weights, slots = state
            loss, gradients = jax.value_and_grad(objective)(weights, x[ids], y[ids], extra)
            return optimizer.stateless_apply(slots, gradients, weights), loss

        super().__init__(step, lambda state, x: net.stateless_call(state[0], [], x)[0])
        slots = [
            jnp.asarray(rates, variable.dtype)
            if variable is rate
            else jnp.broadcast_to(variable.value, (len(rates), *variable.shape))
            for variable in optimizer.variables
        ]
        self.net, self._slots = net, slots
        self.restart(weights)

    @property
    def weights(self) -> Weights:
        """The weights of all runs."""
        return self.state[0]

    def restart(self, weights: Weights) -> None:
        """Begins anew from other weights, without a new compilation."""
        # Copies, for a step takes over the memory of what it is given.
        self.state = jax.tree.map(jnp.copy, ([*weights], self._slots))


def _over_runs(function: Callable, shared: int, together: bool) -> Callable:
    """The function mapped over runs; its last `shared` arguments are the same for all."""

    def mapped(*args):
        if together:
            return jax.vmap(function, [0] * (len(args) - shared) + [None] * shared)(*args)
        own, same = args[: len(args) - shared], args[len(args) - shared :]
        return jax.lax.map(lambda each: function(*each, *same), own)

    return mapped


# Starts


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


# Orders of examples


def full_batch(runs: int, steps: int, examples: int) -> np.ndarray:
    """The order in which each of `steps` steps sees all examples."""
    return np.broadcast_to(np.arange(examples, dtype="int32"), (runs, steps, examples))


def shuffled(seeds, epochs: int, examples: int, batch: int) -> np.ndarray:
    """Epochs in a new order each: `(runs, steps, batch)`; a last short batch is left out."""
    steps = examples // batch
    drawn = [
        np.stack([rng.permutation(examples)[: steps * batch] for _ in range(epochs)])
        for rng in map(np.random.default_rng, seeds)
    ]
    return np.stack(drawn).reshape(len(drawn), epochs * steps, batch).astype("int32")


def one_epoch(rng: np.random.Generator, runs: int, examples: int, batch: int) -> np.ndarray:
    """One epoch's order for each run, without the last, short batch: `(runs, steps, batch)`."""
    steps = examples // batch
    drawn = rng.permuted(np.tile(np.arange(examples, dtype="int32"), (runs, 1)), axis=1)
    return drawn[:, : steps * batch].reshape(runs, steps, batch)
