"""Example ids: how training data says which row belongs to which example, and its checks."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from raikeras.data import streams
from raikeras.data.contents import fingerprint, is_array, length
from raikeras.data.finite import check_finite
from raikeras.typing import Nest

__all__ = ["Checker", "are_distinct", "fingerprint", "has_ids", "is_stream", "with_ids"]

KEYS = {"inputs", "example_id"}


def has_ids(x: Nest) -> bool:
    """Whether inputs carry example ids: `{"inputs": ..., "example_id": ...}`."""
    return isinstance(x, dict) and x.keys() == KEYS


def is_stream(x: Nest) -> bool:
    """Whether training data comes in batches rather than as arrays."""
    return not all(map(is_array, keras.tree.flatten(x)))


def with_ids(stream: Any, batch_size: int | None = None) -> Any:
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


class _NumberedItems(streams.Items):
    """A PyDataset whose examples are numbered by item and place."""

    def __init__(self, items: keras.utils.PyDataset, batch_size: int | None) -> None:
        super().__init__(items)
        self._batch_size = batch_size or length(streams.standard_batch(items[0])[0])

    def __getitem__(self, index: int) -> tuple[Nest, ...]:
        x, *rest = streams.standard_batch(self._items[index])
        ids = index * self._batch_size + np.arange(length(x), dtype="int32")
        return {"inputs": x, "example_id": ids}, *rest


class Checker:
    """Checks training data before rows are touched: ids, and numbers that are no numbers.

    Args:
        num_examples: Integer, number of rows.
        finite: Function of `(x, y, sample_weight)` that raises a `ValueError` for NaN in them.

    Attributes:
        may_repeat: Whether an example may occur more than once in a batch.
        in_order: Whether every batch is all examples, in the order of their rows.
    """

    def __init__(self, num_examples: int, finite: Callable[..., Any] = check_finite) -> None:
        self.num_examples, self._finite = num_examples, finite
        self.may_repeat, self.in_order = True, False
        self._error: ValueError | None = None

    def check(self, x: Nest, y: Nest = None, sample_weight: Nest = None) -> None:
        """Raises a `ValueError` for a bad batch, and remembers it."""
        try:
            self._finite(x, y, sample_weight)
            self.check_ids(x)
        except ValueError as error:
            self._error = error
            raise

    def check_ids(self, x: Nest) -> None:
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

    def wrap(self, stream: Any) -> Any:
        """The same stream with every batch checked when it is drawn."""
        self._check_spec(getattr(stream, "element_spec", None))
        return streams.checked(stream, self.check)

    def _check_spec(self, spec: Any) -> None:
        x = spec[0] if isinstance(spec, tuple) else spec
        if has_ids(x) and x["example_id"].shape.rank != 1:
            raise ValueError(
                "`example_id` must have the shape (batch,). Apply `with_ids` to single examples "
                f"and `batch` after it. Received: element_spec={x['example_id']}"
            )

    @contextlib.contextmanager
    def plain_errors(self) -> Iterator[None]:
        """Lets a check that failed inside a backend's data pipeline surface as it was raised."""
        try:
            yield
        finally:
            if self._error is not None:
                error, self._error = self._error, None
                raise error from None


def are_distinct(ids: Any) -> bool:
    """Whether no id occurs twice."""
    return len(np.unique(np.asarray(ids))) == len(ids)
