"""Many runs of one `RelaxedModel` in one compiled program: seeds, settings and data sets at once.

A step is the library's own `train_step`, a pure function on JAX: here it is mapped over runs that
differ in start, in numbers of the objective and optimizer (`Knobs`), in data and in the order of
examples. Small nets run side by side (`vmap`), deep ones one after another. JAX only.
"""

import jax
import keras
import numpy as np
from jax import numpy as jnp
from keras import ops

from raikeras import RelaxedModel, presets
from raikeras.backend.keras_internals import build
from raikeras.training.prepare import prepare_store


class Knobs(keras.layers.Layer):
    """Numbers in which runs differ, each a scalar variable that a step may read.

    `model.knobs = knobs` makes them part of the model's state. Optimizers and hidden weights read
    them through the schedules below, regularizers through `knobs[name]`.

    Example:

    ```python
    knobs = Knobs(rate=1e-3, first=4.0, last=1e4)
    model = RelaxedModel(net, hidden_weight=knobs.growing("first", "last", steps))
    model.knobs = knobs
    model.compile(keras.optimizers.Adam(knobs.falling("rate", steps)), loss)
    ```
    """

    def __init__(self, **numbers: float):
        super().__init__(name="knobs")
        self._by_name = {
            name: self.add_weight(
                name=name, shape=(), initializer=keras.initializers.Constant(value), trainable=False
            )
            for name, value in numbers.items()
        }
        self.built = True

    def __getitem__(self, name: str) -> keras.Variable:
        if name not in self._by_name:
            raise ValueError(f"There are knobs {sorted(self._by_name)}. Received: {name!r}")
        return self._by_name[name]

    def constant(self, name: str):
        """A schedule that stays at the knob's value."""
        return _Schedule(lambda step: self[name] * 1.0)

    def over(self, number: float, name: str):
        """A schedule that stays at a number divided by the knob's value."""
        return _Schedule(lambda step: number / self[name])

    def falling(self, name: str, steps: int, last: float = 0.02):
        """From the knob's value linearly down to `last` of it, as `presets.adam_with_decay`."""
        return _Schedule(lambda step: self[name] * (1 - (1 - last) * _share(step, steps)))

    def growing(self, first: str, last: str, steps: int):
        """From one knob's value geometrically to another's; it grows on after `steps`."""
        return _Schedule(
            lambda step: (
                self[first] * ops.power(self[last] / self[first], ops.cast(step, "float32") / steps)
            )
        )


class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, function):
        self._function = function

    def __call__(self, step):
        return self._function(step)

    def get_config(self):
        raise NotImplementedError("A schedule that reads knobs lives as long as its sweep.")


def _share(step, steps: int):
    return ops.minimum(ops.cast(step, "float32") / steps, 1.0)


def rai_or_backprop(net, settings, knobs=None):
    """The compiled model that trains a classifier by the run's method, with a knob `rate`.

    RAI has a growing weight and keeps the start that the net has.
    """
    steps, knobs = settings["iterations"], knobs or Knobs(rate=1e-3)
    rate, loss = knobs.falling("rate", steps), keras.losses.BinaryCrossentropy(from_logits=True)
    if settings["method"] == "rai":
        weights = settings["first_weight"], settings["last_weight"]
        follow, kept = settings["target_rate"], {"start": None, "deployed_every": 0}
        model = presets.rai_growing(net, steps, loss, weights, rate, follow, **kept)
    elif settings["method"] == "bp":
        model = RelaxedModel(net, relax=(), deployed_every=0)
        model.compile(presets.adam_with_decay(rate, steps), loss)
    else:
        raise ValueError(f"`method` must be bp or rai. Received: method={settings['method']!r}")
    model.knobs = knobs
    return model


class Sweep:
    """Runs of one compiled model.

    Args:
        model: Compiled `RelaxedModel`; backprop is one with `relax=()`. Its `net` must have no
            state of its own. What it holds afterwards is of no use.
        starts: A list as `net.get_weights()` gives it for each run.
        settings: A dict of knobs for each run; knobs left out keep the model's values.
        num_examples: Integer, number of training examples, which rows need.
        together: Whether the runs take each step side by side. Deep nets want one after another.
    """

    def __init__(self, model, starts, settings, num_examples, together=True):
        self.model, self._together = model, together
        self._rows = model.target_rule.has_rows and bool(model.relaxed.network.cuts)
        if self._rows:
            prepare_store(model, num_examples)
        with model._fused():
            self._build()
        self.restart(starts, settings)
        self._metrics = [jnp.array(v.value) for v in model.metrics_variables]
        self._train = jax.jit(self._scan, static_argnames="by_run", donate_argnums=0)
        self._outputs = jax.jit(self._deployed, static_argnames="by_run")

    def restart(self, starts, settings) -> None:
        """Begins anew, with other runs; as many of them as before need no new compilation."""
        if len(starts) != len(settings):
            raise ValueError(
                "Each run must have a start and settings. Received: "
                f"{len(starts)} starts, {len(settings)} settings"
            )
        weights = [self._started(start) for start in starts]
        stacked = [jnp.asarray(np.stack(each)) for each in zip(*weights, strict=True)]
        with self.model._fused():
            rest, cut = self._rest(settings)
        self._state = (stacked, rest[:cut], rest[cut:])

    @property
    def weights(self) -> list[jax.Array]:
        """Trainable weights with a leading axis of runs; equal layers in a chain are stacked."""
        return self._state[0]

    def set_weights(self, weights) -> None:
        """Gives the runs weights as `weights` had them; slots and rows stay."""
        self._state = (list(weights), *self._state[1:])

    def train(self, x, y, order, by_run=False) -> np.ndarray:
        """Takes `order.shape[1]` steps. Call it again to go on.

        Args:
            x, y: Examples, shared by the runs or with `by_run` a leading axis of runs.
            order: Integers `(runs, steps, batch)`, the examples of each step's batch.
            by_run: Whether each run has data of its own.

        Returns:
            The objective before each step, `(steps, runs)`.
        """
        arrays = jnp.asarray(x), jnp.asarray(y)
        order = jnp.asarray(order, "int32")
        with self.model._fused():
            self._state, losses = self._train(self._state, *arrays, order, by_run=by_run)
        return np.asarray(losses).T

    def outputs(self, x, by_run=False) -> np.ndarray:
        """What the deployed networks make of `x`: `(runs, len(x), ...)`."""
        with self.model._fused():
            return np.asarray(self._outputs(self._state, jnp.asarray(x), by_run=by_run))

    def net_weights(self, run: int) -> list[np.ndarray]:
        """The weights of one run, as `net.get_weights()` gives them."""
        with self.model._fused():
            for variable, values in zip(self.model.trainable_variables, self.weights, strict=True):
                variable.assign(values[run])
        return self.model.net.get_weights()

    def _started(self, start) -> list[np.ndarray]:
        """A start as the variables that are trained hold it: chains of equal layers stacked."""
        self.model.net.set_weights(start)
        with self.model._fused():
            return [np.array(v.value) for v in self.model.trainable_variables]

    def _rest(self, settings) -> tuple[list, int]:
        """All other state by run, knobs as set, and how much of it is not the optimizer's."""
        knobs, groups = getattr(self.model, "knobs", None), self._groups()
        names = {id(knobs[name]): name for one in settings for name in one}
        values = [
            jnp.asarray([one.get(names[id(v)], float(v.value)) for one in settings], v.dtype)
            if id(v) in names
            else jnp.zeros((len(settings), *v.shape), v.dtype) + v.value
            for group in groups[1:]
            for v in group
        ]
        return values, len(groups[1])

    def _build(self) -> None:
        """Builds optimizer and metrics, as the first step of `fit` does."""
        shapes = [(2, *shape[1:]) for shape in (self.model.net.input_shape, self._label_shape())]
        x, y = (np.zeros(shape, "float32") for shape in shapes)
        x = {"inputs": x, "example_id": np.arange(2, dtype="int32")} if self._rows else x
        build(self.model, (x, y))

    def _label_shape(self):
        sparse = "sparse" in getattr(self.model.loss, "name", str(self.model.loss)).lower()
        return (None,) if sparse else self.model.net.output_shape

    def _groups(self) -> tuple:
        model = self.model
        return model.trainable_variables, model.non_trainable_variables, model.optimizer.variables

    def _over_runs(self, function, shared: int):
        """The function mapped over runs; its last `shared` arguments are the same for all."""
        if self._together:
            return lambda *args: jax.vmap(function, [0] * (len(args) - shared) + [None] * shared)(
                *args
            )
        return lambda *args: jax.lax.map(
            lambda own: function(*own, *args[len(args) - shared :]), args[: len(args) - shared]
        )

    def _scan(self, state, x, y, order, by_run):
        def one(state, order, x, y):
            def step(state, ids):
                inputs = {"inputs": x[ids], "example_id": ids} if self._rows else x[ids]
                logs, after = self.model.train_step((*state, self._metrics), (inputs, y[ids]))
                return tuple(map(list, after[:3])), logs["loss"]

            return jax.lax.scan(step, state, order)

        state = tuple(map(list, state))
        return self._over_runs(one, 0 if by_run else 2)(state, order, x, y)

    def _deployed(self, state, x, by_run):
        def one(state, x):
            pairs = [
                pair
                for group, values in zip(self._groups()[:2], state[:2], strict=True)
                for pair in zip(group, values, strict=True)
            ]
            with keras.StatelessScope(pairs):
                return self.model(x, training=False)

        return self._over_runs(one, 0 if by_run else 1)(state, x)


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
