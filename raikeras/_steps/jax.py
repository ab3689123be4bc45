"""The training step on JAX; the same functions in the same order as `tensorflow.py`."""

import contextlib
import functools
import os

import jax
import keras
from jax import numpy as jnp
from jax.experimental import io_callback

from raikeras import step
from raikeras._steps.private import wide_floats
from raikeras.tables import HostTable, usable_cores


def gather(tables, ids) -> dict:
    """The rows `ids` of each table, without reading the rest of it."""
    if not _on_host(tables):
        return {key: jnp.take(table.value, ids, axis=0) for key, table in tables.items()}
    shapes = {
        key: jax.ShapeDtypeStruct((ids.shape[0], table.shape[1]), table.dtype)
        for key, table in tables.items()
    }
    return io_callback(functools.partial(_read, tables), shapes, ids, ordered=True)


def scatter(tables, ids, rows) -> None:
    """Writes the rows `ids` of each table; in place under jit, which is given the state."""
    if _on_host(tables):
        io_callback(functools.partial(_write, tables), None, ids, rows, ordered=True)
        return
    for key, table in tables.items():
        table.assign(table.value.at[ids].set(rows[key]))


def write(table, ids, rows) -> None:
    """Writes rows outside a step, in place."""
    if isinstance(table, HostTable):
        table.scatter(ids, rows)
    else:
        table.assign(_set_rows(table.value, ids, jnp.asarray(rows, table.dtype)))


def wait() -> None:
    """Returns when all steps have written their rows."""
    jax.effects_barrier()


def why_no_calls_back(model) -> str | None:
    """What keeps the compiled step from tables on the host, and the way out; `None`: nothing."""
    threads = int(os.environ.get("NPROC") or 0) or usable_cores()
    if threads > 1:
        return None
    # The one thread would run the call and copy its arguments: seen with jax 0.10, large batches.
    return "JAX on one core would wait for itself. Set the environment variable NPROC=2"


def has_accelerator() -> bool:
    return jax.default_backend() != "cpu"


def device_memory() -> int | None:
    """Bytes that are left on the default device, `None` if it does not tell."""
    statistics = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" not in statistics:
        return None
    return statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)


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


def _on_host(tables) -> bool:
    return any(isinstance(table, HostTable) for table in tables.values())


def _read(tables, ids):
    return {key: table.gather(ids) for key, table in tables.items()}


def _write(tables, ids, rows):
    for key, table in tables.items():
        table.scatter(ids, rows[key])


@functools.partial(jax.jit, donate_argnums=0)
def _set_rows(table, ids, rows):
    return table.at[ids].set(rows)
