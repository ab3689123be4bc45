"""The training step on TensorFlow; the same functions in the same order as `jax.py`."""

import functools

import tensorflow as tf

from raikeras import step
from raikeras._steps.private import build
from raikeras.tables import HostTable


def gather(tables, ids) -> dict:
    """The rows `ids` of each table, without reading the rest of it."""
    if not _on_host(tables):
        return {key: tf.gather(table.value, ids) for key, table in tables.items()}
    read = functools.partial(_read, tuple(tables.values()))
    found = tf.numpy_function(read, [ids], [tf.as_dtype(t.dtype) for t in tables.values()])
    rows = dict(zip(tables, found, strict=True))
    for key, table in tables.items():
        rows[key].set_shape((ids.shape[0], table.shape[1]))
    return rows


def scatter(tables, ids, rows) -> None:
    """Writes the rows `ids` of each table in place."""
    if _on_host(tables):
        write = functools.partial(_write, tuple(tables.values()))
        tf.numpy_function(write, [ids, *(rows[key] for key in tables)], [])
        return
    for key, table in tables.items():
        table.value.scatter_update(tf.IndexedSlices(rows[key], ids))


def write(table, ids, rows) -> None:
    """Writes rows outside a step, in place."""
    if isinstance(table, HostTable):
        table.scatter(ids, rows)
    else:
        table.value.scatter_update(tf.IndexedSlices(tf.convert_to_tensor(rows, table.dtype), ids))


def wait() -> None:
    """Returns when all steps have written their rows."""


def why_no_calls_back(model) -> str | None:
    """What keeps the compiled step from tables on the host, and the way out; `None`: nothing."""
    if model.run_eagerly or not model.jit_compile:
        return None
    return "XLA on TensorFlow cannot call back to Python. Compile with jit_compile=False"


def has_accelerator() -> bool:
    return bool(tf.config.list_logical_devices("GPU"))


def device_memory() -> int | None:
    """TensorFlow does not tell what is left."""
    return None


def train_step(model, data):
    """One step of a `RelaxedModel`: begin, differentiate, finish. Returns the logs."""
    with tf.init_scope():
        build(model, data)
    batch = step.begin(model, data)
    weights = model.trainable_variables
    with tf.GradientTape() as tape:
        tape.watch(batch.targets)
        total, parts = step.objective(model, batch, batch.targets)
        scaled = model.optimizer.scale_loss(total)
    gradients, target_gradient = tape.gradient(scaled, [weights, batch.targets])
    return step.finish(model, batch, total, parts, gradients, target_gradient)


def _on_host(tables) -> bool:
    return any(isinstance(table, HostTable) for table in tables.values())


def _read(tables, ids):
    return [table.gather(ids) for table in tables]


def _write(tables, ids, *rows):
    for table, new in zip(tables, rows, strict=True):
        table.scatter(ids, new)
