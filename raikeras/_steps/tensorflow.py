"""The training step on TensorFlow; the same functions in the same order as `jax.py`."""

import tensorflow as tf

from raikeras import step
from raikeras._steps.private import build


def gather(variable, ids):
    """The rows `ids` of a table, without reading the rest of it."""
    return tf.gather(variable.value, ids)


def scatter(variable, ids, rows) -> None:
    """Writes the rows `ids` of a table in place."""
    variable.value.scatter_update(tf.IndexedSlices(rows, ids))


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
