"""Example ids: how training data says which row belongs to which example, and its checks."""

import contextlib
import hashlib

import keras
import numpy as np

KEYS = {"inputs", "example_id"}


def has_ids(x) -> bool:
    """Whether inputs carry example ids: `{"inputs": ..., "example_id": ...}`."""
    return isinstance(x, dict) and set(x) == KEYS


def is_stream(x) -> bool:
    """Whether training data comes in batches rather than as arrays."""
    return not all(hasattr(leaf, "shape") for leaf in keras.tree.flatten(x))


def with_ids(stream, batch_size: int | None = None):
    """Gives every example of a stream its id, for `RelaxedModel.fit`.

    Apply it before any shuffling, so that an example has the same id in every epoch.

    Args:
        stream: A `tf.data.Dataset` of single examples `(x, y)` or `(x, y, sample_weight)`, numbered
            in its order (shuffle and batch afterwards); or a `keras.utils.PyDataset` whose item
            `i` holds the same examples each time.
        batch_size: Integer, examples in every item of a `PyDataset` but the last. `None` takes
            the length of its item 0.

    Returns:
        The stream with `x` replaced by `{"inputs": x, "example_id": id}`.

    Raises:
        TypeError: For any other kind of stream; a generator has to yield the ids itself.

    Example:

    ```python
    stream = raikeras.data.with_ids(dataset).shuffle(1000).batch(32)
    model = raikeras.RelaxedModel(net, targets=raikeras.Learned(num_examples=60000))
    model.fit(stream)
    ```
    """
    if isinstance(stream, keras.utils.PyDataset):
        return _NumberedItems(stream, batch_size)
    if hasattr(stream, "enumerate") and hasattr(stream, "element_spec"):
        if not isinstance(stream.element_spec, tuple):
            raise ValueError(
                "`stream` must yield tuples (x, y) or (x, y, sample_weight). "
                f"Received: element_spec={stream.element_spec}"
            )
        return stream.enumerate().map(
            lambda index, example: ({"inputs": example[0], "example_id": index}, *example[1:])
        )
    raise TypeError(
        "`with_ids` numbers a tf.data.Dataset or a keras.utils.PyDataset. Let other streams yield "
        '({"inputs": x, "example_id": ids}, y) themselves. '
        f"Received: stream of type {type(stream).__name__}"
    )


class _Items(keras.utils.PyDataset):
    """A PyDataset that hands on another one, changed or checked by a subclass."""

    def __init__(self, items):
        super().__init__(
            workers=items.workers,
            use_multiprocessing=items.use_multiprocessing,
            max_queue_size=items.max_queue_size,
        )
        self._items = items

    def __len__(self):
        return len(self._items)

    @property
    def num_batches(self):
        return self._items.num_batches

    def on_epoch_begin(self):
        self._items.on_epoch_begin()

    def on_epoch_end(self):
        self._items.on_epoch_end()


class _NumberedItems(_Items):
    """A PyDataset whose examples are numbered by item and place."""

    def __init__(self, items, batch_size):
        super().__init__(items)
        self._batch_size = batch_size or _count(items[0][0])

    def __getitem__(self, index):
        x, *rest = self._items[index]
        ids = index * self._batch_size + np.arange(_count(x), dtype="int32")
        return {"inputs": x, "example_id": ids}, *rest


class Checker:
    """Checks training data before rows are touched: ids, and numbers that are no numbers.

    Args:
        num_examples: Integer, number of rows.

    Attributes:
        may_repeat: Whether an example may occur more than once in a batch.
    """

    def __init__(self, num_examples: int):
        self.num_examples = num_examples
        self.may_repeat = True
        self._error: ValueError | None = None

    def check(self, x, y=None, sample_weight=None) -> None:
        """Raises a `ValueError` for a bad batch, and remembers it."""
        try:
            check_finite(x["inputs"] if has_ids(x) else x, y, sample_weight)
            self.check_ids(x)
        except ValueError as error:
            self._error = error
            raise

    def check_ids(self, x) -> None:
        """Raises a `ValueError` unless `x` carries ids of existing rows."""
        if not has_ids(x):
            raise ValueError(
                'A stream must yield ({"inputs": x, "example_id": ids}, y): each example needs '
                "an id to find its row. Wrap it in `raikeras.data.with_ids`. Received: x of type "
                f"{type(x).__name__}" + (f" with keys {sorted(x)}" if isinstance(x, dict) else "")
            )
        ids = np.asarray(x["example_id"])
        if ids.dtype.kind not in "iu" or ids.ndim != 1:
            raise ValueError(
                "`example_id` must be integers of shape (batch,). "
                f"Received: dtype={ids.dtype}, shape={ids.shape}"
            )
        if ids.size and (ids.min() < 0 or ids.max() >= self.num_examples):
            raise ValueError(
                f"`example_id` must be in [0, {self.num_examples}), for there are num_examples="
                f"{self.num_examples} rows. Received: ids from {ids.min()} to {ids.max()}. Raise "
                "it with `targets=Learned(num_examples=...)`."
            )

    def wrap(self, stream):
        """The same stream with every batch checked when it is drawn."""
        if isinstance(stream, keras.utils.PyDataset):
            return _CheckedItems(stream, self)
        if hasattr(stream, "element_spec"):
            self._check_spec(stream.element_spec)
            from raikeras._steps.tf_data import checked

            return checked(stream, self.check)
        return self._checked_batches(stream)

    def _check_spec(self, spec) -> None:
        x = spec[0] if isinstance(spec, tuple) else spec
        if has_ids(x) and x["example_id"].shape.rank != 1:
            raise ValueError(
                "`example_id` must have the shape (batch,). Apply `with_ids` to single examples "
                f"and `batch` after it. Received: element_spec={x['example_id']}"
            )

    def _checked_batches(self, stream):
        for batch in stream:
            self.check(*batch)
            yield batch

    @contextlib.contextmanager
    def plain_errors(self):
        """Lets a check that failed inside a backend's data pipeline surface as it was raised."""
        try:
            yield
        finally:
            if self._error is not None:
                error, self._error = self._error, None
                raise error from None


class _CheckedItems(_Items):
    """A PyDataset that checks its items."""

    def __init__(self, items, checker):
        super().__init__(items)
        self._checker = checker

    def __getitem__(self, index):
        batch = self._items[index]
        self._checker.check(*batch)
        return batch


def are_distinct(ids) -> bool:
    """Whether no id occurs twice."""
    return len(np.unique(np.asarray(ids))) == len(ids)


def check_finite(x, y=None, sample_weight=None) -> None:
    """Raises a `ValueError` if an array holds NaN or an infinity."""
    for name, tree in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        for leaf in keras.tree.flatten(tree):
            array = np.asarray(leaf) if leaf is not None else np.zeros(0)
            if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
                continue
            bad = ~np.isfinite(array)
            if bad.any():
                first = (
                    np.argwhere(bad.reshape(len(array), -1).any(axis=1))[0, 0] if bad.ndim else 0
                )
                raise ValueError(
                    f"`{name}` must be finite: a NaN would spread to every weight. Received: "
                    f"{int(bad.sum())} values that are NaN or infinite, the first in example "
                    f"{first}"
                )


def fingerprint(*arrays) -> str:
    """A digest of arrays' shapes, dtypes and bytes, to recognise the data of an earlier `fit`."""
    digest = hashlib.blake2b(digest_size=16)
    for leaf in keras.tree.flatten(arrays):
        if leaf is not None:
            array = np.ascontiguousarray(leaf)
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def _count(x) -> int:
    return keras.tree.flatten(x)[0].shape[0]
