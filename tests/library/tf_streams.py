"""tf.data in tests, which may feed any backend: TensorFlow is imported where a stream is made."""

import pytest

needs_tensorflow = pytest.mark.tensorflow  # see conftest.py
TF_DATA = pytest.param("tf.data", marks=needs_tensorflow)


def tf_dataset(arrays):
    """A `tf.data.Dataset` of the single examples of arrays."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays)
