"""raikeras' own order of arrays: known from a seed, so that training can go on in the middle."""

from typing import Any

import keras
import numpy as np

from raikeras.data.contents import dense, fingerprint, is_sparse, length, take
from raikeras.data.streams import standard_batch
from raikeras.typing import Nest


class OrderedArrays(keras.utils.PyDataset):
    """Arrays in batches whose order follows from a seed and the number of the epoch alone.

    Keras draws its own shuffling from a generator whose state nobody can read, so `fit` uses this
    one where a `Backup` is among the callbacks.

    Args:
        arrays: Tuple `(x, y)` or `(x, y, sample_weight)` of nested arrays, `None` allowed.
        batch_size: Integer.
        seed: Integer, or `None` to keep the order of the arrays.
        steps: Integer, batches of an epoch; an epoch then goes on where the last one ended. `None`
            takes all of them.

    Attributes:
        epoch: Number of the epoch whose batches are drawn next.
        first_batch: How many of its batches are left out.
    """

    def __init__(
        self, arrays: tuple[Nest, ...], batch_size: int, seed: int | None, steps: int | None
    ) -> None:
        super().__init__()
        self._arrays = keras.tree.map_structure(_as_array, keras.tree.lists_to_tuples(arrays))
        self._batch_size, self.seed = batch_size, seed
        self._count = length(arrays)
        self._batches = -(-self._count // batch_size)
        self.steps = steps or self._batches
        self.epoch = self.first_batch = 0
        self._order: tuple[int, np.ndarray] | None = None

    def __len__(self) -> int:
        return self.steps - self.first_batch

    def __getitem__(self, index: int) -> tuple[Nest, ...]:
        turn, place = divmod(self.epoch * self.steps + self.first_batch + index, self._batches)
        chosen = self._permutation(turn)[place * self._batch_size :][: self._batch_size]
        batch = keras.tree.map_structure(lambda array: _rows(array, chosen), self._arrays)
        return standard_batch(batch)

    def describe(self) -> dict[str, Any]:
        """What two runs must share for one to go on where the other stopped."""
        return {
            "data": fingerprint(*self._arrays),
            "batch_size": self._batch_size,
            "steps_per_epoch": self.steps,
            "shuffle": self.seed is not None,
        }

    def _permutation(self, turn: int) -> np.ndarray:
        """The examples' order in their `turn`-th pass."""
        if self.seed is None:
            return np.arange(self._count) if self._order is None else self._order[1]
        if self._order is None or self._order[0] != turn:
            # One assignment: backends may draw ahead in a thread.
            order = np.random.default_rng((self.seed, turn)).permutation(self._count)
            self._order = (turn, order)
            return order
        return self._order[1]


def order_arrays(call: dict[str, Any], seed: int) -> OrderedArrays:
    """Replaces the arrays among the arguments of `fit` by their batches in raikeras' own order.

    Args:
        call: Arguments of `keras.Model.fit` by name, changed in place.
        seed: Integer, of the order, unless `call` says `shuffle=False`.
    """
    shuffle = call.pop("shuffle", True)
    if shuffle not in (True, False):
        raise ValueError(
            "`shuffle` must be True or False where a Backup is among the callbacks. "
            f"Received: shuffle={shuffle!r}"
        )
    call["shuffle"] = False
    arrays = [call.pop("x"), call.pop("y", None), call.pop("sample_weight", None)]
    split = call.pop("validation_split", 0)
    if split and call.get("validation_data") is None:
        count = length(arrays)
        kept = int(count * (1 - split))
        call["validation_data"] = _some(tuple(_cut(arrays, np.arange(kept, count))))
        arrays = _cut(arrays, np.arange(kept))
    batch_size = call.get("batch_size") or 32
    steps = call.pop("steps_per_epoch", None)
    call["x"] = OrderedArrays(_some(tuple(arrays)), batch_size, seed if shuffle else None, steps)
    return call["x"]


def _some(arrays: tuple[Nest, ...]) -> tuple[Nest, ...]:
    """Without the `None`s at the end."""
    while arrays[-1] is None:
        arrays = arrays[:-1]
    return arrays


def _cut(arrays: Nest, chosen: np.ndarray) -> Nest:
    return keras.tree.map_structure(
        lambda array: None if array is None else take(_as_array(array), chosen), arrays
    )


def _as_array(array: Any) -> Any:
    return array if array is None or is_sparse(array) else dense(array)


def _rows(array: Any, chosen: np.ndarray) -> Any:
    """Some rows, in the float type that Keras gives arrays."""
    if array is None:
        return None
    rows, floatx = take(array, chosen), keras.config.floatx()
    if hasattr(rows, "dense_shape"):  # TensorFlow's sparse matrices
        values = dense(rows.values)
        values = values.astype(floatx) if values.dtype.kind == "f" else values
        return type(rows)(rows.indices, values, rows.dense_shape)
    return rows.astype(floatx) if rows.dtype.kind == "f" else rows
