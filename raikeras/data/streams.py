"""Streams of batches, checked as they are drawn, with as many steps as Keras makes of them.

Keras reads PyDatasets, tf.data and generators itself. Of other objects it takes a `DataAdapter`,
which tells how many batches an epoch has and gives an iterator for each.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np

from raikeras.backend.keras_internals import DataAdapter, data_adapter
from raikeras.data.contents import dense, is_sparse, sparse_parts
from raikeras.typing import Nest


class Items(keras.utils.PyDataset):
    """A PyDataset that hands on another one, changed or checked by a subclass."""

    def __init__(self, items: keras.utils.PyDataset) -> None:
        super().__init__(
            workers=items.workers,
            use_multiprocessing=items.use_multiprocessing,
            max_queue_size=items.max_queue_size,
        )
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    @property
    def num_batches(self) -> int | None:
        return self._items.num_batches

    def on_epoch_begin(self) -> None:
        self._items.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._items.on_epoch_end()


def standard_batch(batch: Nest) -> tuple[Nest, ...]:
    """A batch as a tuple `(x,)`, `(x, y)` or `(x, y, sample_weight)`, as backends can take it.

    tf.data takes a list for one tensor, ids may come as a list of integers, and sparse matrices
    and PyTorch's tensors are converted.
    """
    parts = list(batch) if isinstance(batch, (list, tuple)) else [batch]
    if parts and isinstance(parts[0], dict) and isinstance(parts[0].get("example_id"), list):
        parts[0] = {**parts[0], "example_id": np.asarray(parts[0]["example_id"])}
    return keras.tree.map_structure(_for_backend, keras.tree.lists_to_tuples(tuple(parts)))


def standard_arrays(tree: Nest) -> Nest:
    """Nested arrays as Keras can take them for `x`: of sparse matrices it takes some formats."""
    return keras.tree.map_structure(
        lambda leaf: leaf.tocsr() if hasattr(leaf, "tocoo") else _for_backend(leaf), tree
    )


def checked(stream: Any, check: Callable[..., Any]) -> Any:
    """The same stream for Keras' `fit`, with `check(x, y, sample_weight)` run on each batch.

    Raises:
        TypeError: If `stream` is no stream of batches.
    """
    if isinstance(stream, keras.utils.PyDataset):
        return _CheckedItems(stream, check)
    if hasattr(stream, "element_spec"):
        from raikeras.backend import tf_data

        return tf_data.checked(stream, check)
    if isinstance(stream, DataAdapter):
        return _CheckedAdapter(stream, check)
    if _is_grain(stream):
        return _CheckedAdapter(data_adapter(stream), check)
    if hasattr(stream, "__next__"):
        return _drawn(stream, check)
    if hasattr(stream, "__iter__"):
        return _Loader(stream, check)
    raise TypeError(
        "`x` must be an array, a list or dict of arrays, or a stream of batches: a tf.data.Dataset,"
        " a keras.utils.PyDataset, a generator or an object with `__iter__`. "
        f"Received: x of type {type(stream).__name__}"
    )


def readable(stream: Any) -> Any:
    """The same stream, if it is of a kind that Keras reads; otherwise one that it does."""
    if isinstance(stream, (keras.utils.PyDataset, DataAdapter)) or hasattr(stream, "element_spec"):
        return stream
    return stream if _is_grain(stream) else checked(stream, lambda *batch: None)


def needs_all_in_batches(stream: Any) -> bool:
    """Whether Keras would overlook `y`, `sample_weight` and `class_weight` beside the stream."""
    return isinstance(stream, (_Loader, _CheckedAdapter))


class _CheckedItems(Items):
    """A PyDataset that checks its items."""

    def __init__(self, items: keras.utils.PyDataset, check: Callable[..., Any]) -> None:
        super().__init__(items)
        self._check = check

    def __getitem__(self, index: int) -> tuple[Nest, ...]:
        batch = standard_batch(self._items[index])
        self._check(*batch)
        return batch


class _CheckedAdapter(DataAdapter):
    """Another adapter, of Keras' or the user's own, whose batches are checked."""

    def __init__(self, adapter: DataAdapter, check: Callable[..., Any]) -> None:
        self._adapter, self._check = adapter, check

    def get_numpy_iterator(self) -> Iterator[Nest]:
        return _drawn(self._adapter.get_numpy_iterator(), self._check)

    def get_jax_iterator(self) -> Iterator[Nest]:
        return _drawn(self._adapter.get_jax_iterator(), self._check)

    def get_tf_dataset(self) -> Any:
        return checked(self._adapter.get_tf_dataset(), self._check)

    def get_torch_dataloader(self) -> Iterable[Nest]:
        batches = _drawn(self._adapter.get_torch_dataloader(), self._check)
        return data_adapter(batches).get_torch_dataloader()

    @property
    def num_batches(self) -> int | None:
        return self._adapter.num_batches

    @property
    def batch_size(self) -> int | None:
        return self._adapter.batch_size

    @property
    def has_partial_batch(self) -> bool | None:
        return self._adapter.has_partial_batch

    @property
    def partial_batch_size(self) -> int | None:
        return self._adapter.partial_batch_size

    def on_epoch_begin(self) -> None:
        self._adapter.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._adapter.on_epoch_end()


class _Loader(DataAdapter):
    """An object that can be iterated again, such as PyTorch's DataLoader: anew in each epoch.

    Keras' own adapter for a DataLoader takes PyTorch's tensors alone.
    """

    batch_size = has_partial_batch = partial_batch_size = None

    def __init__(self, stream: Any, check: Callable[..., Any]) -> None:
        self._stream, self._check = stream, check

    @property
    def num_batches(self) -> int | None:
        try:
            return len(self._stream)
        except (TypeError, NotImplementedError):  # a DataLoader always has the method
            return None

    def get_numpy_iterator(self) -> Iterator[Nest]:
        return data_adapter(self._batches()).get_numpy_iterator()

    def get_jax_iterator(self) -> Iterator[Nest]:
        return data_adapter(self._batches()).get_jax_iterator()

    def get_tf_dataset(self) -> Any:
        adapter = data_adapter(self._batches())  # looks at two batches for their shapes
        adapter.generator = self._batches
        return adapter.get_tf_dataset()

    def get_torch_dataloader(self) -> Iterable[Nest]:
        return data_adapter(self._batches()).get_torch_dataloader()

    def _batches(self) -> Iterator[tuple[Nest, ...]]:
        yield from _drawn(iter(self._stream), self._check)


def _drawn(batches: Iterable[Nest], check: Callable[..., Any]) -> Iterator[tuple[Nest, ...]]:
    for batch in batches:
        batch = standard_batch(batch)
        check(*batch)
        yield batch


def _is_grain(stream: Any) -> bool:
    kinds = [kind for kind in type(stream).__mro__ if kind.__module__.split(".")[0] == "grain"]
    return any(kind.__name__ in ("MapDataset", "IterDataset", "DataLoader") for kind in kinds)


def _for_backend(leaf: Any) -> Any:
    if hasattr(leaf, "detach"):  # a tensor of PyTorch
        return dense(leaf)
    if is_sparse(leaf) and keras.backend.backend() == "tensorflow":
        from raikeras.backend import tf_data

        return tf_data.sparse_tensor(leaf, *sparse_parts(leaf))
    return leaf
