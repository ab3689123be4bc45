"""A training step as pure functions of its state, for loops of one's own under `jax.jit`."""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import build, check_compiled
from raikeras.model import RelaxedModel
from raikeras.training.prepare import note_batches, prepare_store
from raikeras.typing import Nest, Tensor


class State(NamedTuple):
    """What a training step changes: arrays, in the order of `FunctionalStep.variables`.

    Attributes:
        weights: The trainable weights; equal layers in a chain have one stacked array.
        other: All that is not trained: moving statistics, seeds, rows with their slots.
        optimizer: The compiled optimizer's counter and slots.
    """

    weights: list[Tensor]
    other: list[Tensor]
    optimizer: list[Tensor]


class FunctionalStep:
    """The training step of a compiled `RelaxedModel` as pure functions, which JAX may transform.

    `jit` them, `scan` over batches, `vmap` over starts. The numbers are those of `fit`. The model's
    own variables stay as they are until `assign`, but for its metrics, which are reset. JAX only.

    Every step is an epoch of its own: its logs are those of its batch, and any `deployed_every` but
    0 measures the deployed network, which is a forward pass more.

    Args:
        model: A compiled `RelaxedModel`; with `relax=()` its step is backprop's. Rows, if the rule
            keeps any, lie on the device and are part of the state.
        x, y: The training examples, arrays; with `num_examples` a batch of them will do.
        num_examples: Integer, number of rows. `None`: as many as `x` has examples, or those that
            `Learned(num_examples=...)` names.
        may_repeat: Whether a batch may hold an example several times, whose row then moves once, by
            the sum of the gradients. Without it a step need not look for them.

    Attributes:
        model: The model.
        has_rows: Whether a step needs the ids of its examples.

    Raises:
        RuntimeError: On another backend than JAX.
        ValueError: If the model is not compiled, keeps its rows outside the device, or has fewer.

    Example:

    ```python
    step = raikeras.FunctionalStep(model, x, y)
    state = step.initial_state()
    train = jax.jit(step)
    for ids in batches:  # integers (batch,)
        state, logs = train(state, x[ids], y[ids], ids)
    outputs = step.outputs(state, x_new)
    step.assign(state)  # the trained weights are in the net
    ```
    """

    def __init__(
        self,
        model: RelaxedModel,
        x: Nest,
        y: Nest,
        num_examples: int | None = None,
        may_repeat: bool = True,
    ) -> None:
        if keras.backend.backend() != "jax":
            raise RuntimeError(
                "FunctionalStep needs JAX, whose transformations it is made for. Received: backend="
                f"'{keras.backend.backend()}'. Train with `fit`, or set KERAS_BACKEND=jax before "
                "Python imports Keras."
            )
        check_compiled(model, "FunctionalStep")
        model._follow_net()
        self.model = model
        self.has_rows = model.target_rule.has_rows and bool(model.relaxed.network.cuts)
        batch = [keras.tree.map_structure(lambda one: np.asarray(one[:2]), each) for each in (x, y)]
        if self.has_rows:
            if model.target_rule.storage != "device":
                raise ValueError(
                    "The rows are part of a functional step's state, so they must lie on the "
                    'device: `Learned(storage="device")`. '
                    f"Received: storage={model.target_rule.storage!r}"
                )
            count = num_examples or model.target_rule.num_examples
            count = count or len(keras.tree.flatten(x)[0])
            prepare_store(model, count)
            rows = model.store.num_examples if model.store else 0
            if rows < count:
                raise ValueError(
                    "The model has rows already, for fewer examples. Call `model.reset_targets()` "
                    f"first to start new rows. Received: {count} examples; there are "
                    f"{rows} rows"
                )
            note_batches(model, may_repeat, in_order=False)
            ids = np.arange(len(keras.tree.flatten(batch[0])[0]), dtype="int32")
            batch[0] = {"inputs": batch[0], "example_id": ids}
        with self._stacked():
            build(model, tuple(batch))
        model.reset_metrics()  # of an earlier `fit`, which every step would begin with
        self._metrics = [load_backend().constant(v.value, v.dtype) for v in model.metrics_variables]

    @property
    def variables(self) -> State:
        """The Keras variables of which a state holds the values."""
        with self._stacked():
            return self._variables()

    def initial_state(self, weights: list[Any] | None = None) -> State:
        """The model's present state.

        Args:
            weights: A list as `net.get_weights()` gives it; the net is given these first.
        """
        if weights is not None:
            self.model.net.set_weights(weights)
        with self._stacked():
            return State(*([_copy(v) for v in group] for group in self._variables()))

    def __call__(
        self, state: State, x: Nest, y: Nest, ids: Tensor | None = None, sample_weight: Nest = None
    ) -> tuple[State, dict[str, Tensor]]:
        """One training step.

        Args:
            state: A state.
            x, y: The batch.
            ids: Integers `(batch,)`, the examples' rows, for a rule that keeps rows.
            sample_weight: Weights of the examples, if any.

        Returns:
            The state after the step and its logs: those of `fit`, of this batch alone.
        """
        if self.has_rows and ids is None:
            raise ValueError(
                f"{type(self.model.target_rule).__name__} keeps a row for each example, so a step "
                "needs `ids`, integers of shape (batch,). Received: ids=None"
            )
        inputs = {"inputs": x, "example_id": ids} if self.has_rows else x
        data = (inputs, y) if sample_weight is None else (inputs, y, sample_weight)
        with self._stacked(), self.model.relaxed.outside_fit():
            logs, after = self.model.train_step((*state, self._metrics), data)
        return State(*map(list, after[:3])), logs

    def outputs(self, state: State, x: Nest) -> Nest:
        """What the deployed network makes of `x`."""
        with self._stacked():
            groups = zip(self._variables()[:2], state[:2], strict=True)
            pairs = [pair for group in groups for pair in zip(*group, strict=True)]
            with keras.StatelessScope(pairs):
                return self.model(x, training=False)

    def stack(self, weights: list[Any]) -> list[Tensor]:
        """A net's weights, as `net.get_weights()` gives them, as a state holds them.

        The net has these weights afterwards.
        """
        self.model.net.set_weights(weights)
        with self._stacked():
            return [_copy(variable) for variable in self.model.trainable_variables]

    def unstack(self, weights: list[Tensor]) -> list[Any]:
        """The reverse of `stack`, NumPy arrays; the net has these weights afterwards."""
        with self._stacked():
            for variable, value in zip(self.model.trainable_variables, weights, strict=True):
                variable.assign(keras.ops.copy(value))
        return self.model.net.get_weights()

    def assign(self, state: State) -> None:
        """Gives the model, its net and its optimizer the state."""
        with self._stacked():
            for variables, values in zip(self._variables(), state, strict=True):
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(keras.ops.copy(value))  # a later step may be donated it

    @contextlib.contextmanager
    def _stacked(self) -> Iterator[None]:
        """While it lasts, chains of equal layers train as one; in the middle of a trace, too."""
        stacked, at_once = self.model._fused(), load_backend().outside_trace
        with at_once():
            stacked.__enter__()
        try:
            yield
        finally:
            with at_once():
                stacked.__exit__(None, None, None)

    def _variables(self) -> State:
        model = self.model
        own = model.trainable_variables, model.non_trainable_variables
        return State(*own, model.optimizer.variables)


def _copy(variable: keras.Variable) -> Tensor:
    """The value in memory of its own, which a step may take over (`donate_argnums`)."""
    return keras.ops.copy(variable.value)
