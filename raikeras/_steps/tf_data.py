"""Checks inside a tf.data pipeline, which may feed any backend."""

import tensorflow as tf


def checked(dataset, check):
    """The dataset with `check(x, y, sample_weight)` run on each batch, in Python."""

    def run(*batch):
        leaves = tf.nest.flatten(batch)

        def on_arrays(*arrays):
            check(*tf.nest.pack_sequence_as(batch, arrays))
            return True

        with tf.control_dependencies([tf.numpy_function(on_arrays, leaves, tf.bool)]):
            return tf.nest.map_structure(tf.identity, batch)

    return dataset.map(run, num_parallel_calls=1)
