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


def gradient(function, at):
    """The gradient of a scalar function of a tensor."""
    return jax.grad(function)(at)


def differentiate(model, function, at):
    """Gradients of `function(at) -> (scalar, rest)` by the weights and by a tensor.

    Returns:
        The rest, one gradient per trainable weight, the gradient by `at`.
    """
    weights, *others = _groups(model)
    others = [variable for group in others for variable in group]

    def run(values, at):
        with _scope(weights, values, others, before) as scope:
            value, rest = function(at)
        return value, (rest, _values(others, scope))

    before = _values(others)
    (gradients, by_tensor), (rest, after) = jax.grad(run, argnums=(0, 1), has_aux=True)(
        _values(weights), at
    )
    _assign(others, after)
    return rest, gradients, by_tensor


def together(tensors) -> list:
    """The tensors; on TensorFlow none of them ready before all are."""
    return tensors


def repeat(model, times, body) -> None:
    """Runs `body()`, which changes weights and optimizer, several times in one loop."""
    weights, fixed, slots, metrics = _groups(model)
    changed, others = [*weights, *slots], [*fixed, *metrics]
    before = _values(others)

    def run(_, values):
        with _scope(changed, values, others, before) as scope:
            body()
        return _values(changed, scope)

    _assign(changed, jax.lax.fori_loop(0, times, run, _values(changed)))


def train_step(model, state, data):
    """One step of a `RelaxedModel`. Returns logs and state."""
    wide = jax.config.jax_enable_x64 and keras.config.floatx() == "float64"
    groups = _groups(model)
    pairs = [pair for group in zip(groups, state, strict=True) for pair in zip(*group, strict=True)]
    with wide_floats() if wide else contextlib.nullcontext():
        with keras.StatelessScope(state_mapping=pairs, collect_losses=True) as scope:
            logs = step.Step(model, data).run()
    return logs, tuple(_values(group, scope) for group in groups)


def _groups(model) -> tuple:
    """All variables of a step, in the order of Keras' training state."""
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )


def _scope(changed, values, others, before) -> keras.StatelessScope:
    pairs = [*zip(changed, values, strict=True), *zip(others, before, strict=True)]
    return keras.StatelessScope(state_mapping=pairs, collect_losses=True)


def _values(variables, scope=None) -> list:
    """Values in a scope that has ended, or present ones."""
    return [scope.get_current_value(v) if scope else v.value for v in variables]


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
