"""Checks inside a tf.data pipeline, which may feed any backend, and sparse batches for it."""

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from raikeras.typing import Tensor


def checked(dataset: tf.data.Dataset, check: Callable[..., Any]) -> tf.data.Dataset:
    """The dataset with `check(x, y, sample_weight)` run on each batch, in Python."""

    def run(*batch: Any) -> Any:
        leaves = tf.nest.flatten(batch)
        parts = [_components(leaf) for leaf in leaves]

        def on_arrays(*arrays: np.ndarray) -> bool:
            left = list(arrays)
            seen = [
                _seen(leaf, [left.pop(0) for _ in part])
                for leaf, part in zip(leaves, parts, strict=True)
            ]
            check(*tf.nest.pack_sequence_as(batch, seen))
            return True

        flat = [component for part in parts for component in part]
        with tf.control_dependencies([tf.numpy_function(on_arrays, flat, tf.bool)]):
            return tf.nest.map_structure(
                lambda leaf: tf.identity(leaf) if tf.is_tensor(leaf) else leaf, batch
            )

    return dataset.map(run, num_parallel_calls=1)


def sparse_tensor(leaf: Any, places: np.ndarray, values: np.ndarray) -> tf.SparseTensor:
    """The sparse matrix as TensorFlow's, given its places and values."""
    return (
        leaf if isinstance(leaf, tf.SparseTensor) else tf.SparseTensor(places, values, leaf.shape)
    )


def _components(leaf: Any) -> list[Tensor]:
    """The tensors that a leaf of a batch consists of; none for an optional one."""
    if isinstance(leaf, tf.experimental.Optional):
        return []
    return tf.nest.flatten(leaf, expand_composites=True)


def _seen(leaf: Any, arrays: list[np.ndarray]) -> Any:
    """What a check in Python gets to see of a leaf."""
    if isinstance(leaf, tf.SparseTensor):
        indices, values, shape = arrays
        return types.SimpleNamespace(
            indices=indices, values=values, dense_shape=shape, shape=tuple(shape)
        )
    return arrays[0] if arrays else None
