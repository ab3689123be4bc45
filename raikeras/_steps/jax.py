"""The training step on JAX; the same functions in the same order as `tensorflow.py`."""

import contextlib

import jax
import keras
from jax import numpy as jnp

from raikeras import step
from raikeras._steps.private import wide_floats


def gather(variable, ids):
    """The rows `ids` of a table, without reading the rest of it."""
    return jnp.take(variable.value, ids, axis=0)


def scatter(variable, ids, rows) -> None:
    """Writes the rows `ids` of a table; in place under jit, where the step's state is donated."""
    variable.assign(variable.value.at[ids].set(rows))


def train_step(model, state, data):
    """One step of a `RelaxedModel`: begin, differentiate, finish. Returns logs and state."""
    wide = jax.config.jax_enable_x64 and keras.config.floatx() == "float64"
    with wide_floats() if wide else contextlib.nullcontext():
        return _train_step(model, state, data)


def _train_step(model, state, data):
    groups = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )

    def scope_of(state):
        pairs = [
            pair for group in zip(groups, state, strict=True) for pair in zip(*group, strict=True)
        ]
        return keras.StatelessScope(state_mapping=pairs, collect_losses=True)

    def state_of(scope):
        return tuple([scope.get_current_value(v) for v in group] for group in groups)

    with scope_of(state) as scope:
        batch = step.begin(model, data)
    state = state_of(scope)

    def scaled_objective(weights, targets):
        with scope_of((weights, *state[1:])) as scope:
            total, parts = step.objective(model, batch, targets)
            scaled = model.optimizer.scale_loss(total)
        return scaled, (total, parts, state_of(scope))

    gradient = jax.grad(scaled_objective, argnums=(0, 1), has_aux=True)
    (gradients, target_gradient), (total, parts, state) = gradient(state[0], batch.targets)
    with scope_of(state) as scope:
        logs = step.finish(model, batch, total, parts, gradients, target_gradient)
    return logs, state_of(scope)
