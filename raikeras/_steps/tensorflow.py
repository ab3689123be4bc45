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


def gradient(function, at):
    """The gradient of a scalar function of a tensor."""
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
    return tape.gradient(value, at, unconnected_gradients="zero")


def differentiate(model, function, at):
    """Gradients of `function(at) -> (scalar, rest)` by the weights and by a tensor.

    Returns:
        The rest, one gradient per trainable weight, the gradient by `at`.
    """
    weights = model.trainable_variables
    with tf.GradientTape() as tape:
        tape.watch(at)
        value, rest = function(at)
    gradients, by_tensor = tape.gradient(value, [weights, at])
    return rest, gradients, by_tensor


def together(tensors) -> list:
    """The tensors, none of them ready before all are: nothing may be assigned in between.

    In the body of a loop TensorFlow (2.21) lets an assignment overtake the reading of the same
    variable if the assigned value does not depend on it.
    """
    return tf.tuple(tensors)


def repeat(model, times, body) -> None:
    """Runs `body()`, which changes weights and optimizer, several times in one loop."""

    def run(count):
        body()
        return (count + 1,)

    tf.while_loop(lambda count: count < times, run, (0,), parallel_iterations=1)


def train_step(model, data):
    """One step of a `RelaxedModel`. Returns the logs."""
    with tf.init_scope():
        build(model, data)
    return step.Step(model, data).run()
