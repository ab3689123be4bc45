"""`Backup`: training that was stopped goes on as if it had not been."""

import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from raikeras.backend import load_backend
from raikeras.backup import resume, snapshots
from raikeras.backup.ordered_arrays import OrderedArrays
from raikeras.rows.storage import Store
from raikeras.typing import Logs

LIST = "backup.json"  # names the files that make up the backup; replaced as the last thing
PIECE = 8_000_000  # bytes of a table that go through memory at a time


class Backup(keras.callbacks.Callback):
    """Saves the state of training, and `fit` goes on from there when it is called again.

    Run the same script again after an interruption: the same `fit` call continues, bit for bit as
    if nothing had happened, in weights, optimizer, rows and their slots, schedules, seed generators
    and metrics. When `fit` ends, the backup is removed, as `keras.callbacks.BackupAndRestore` does.

    Arrays are drawn in raikeras' own order when a `Backup` is among the callbacks: a permutation
    that follows from a seed (kept in the backup; `keras.utils.set_random_seed` fixes it) and the
    number of the epoch, or the order of the arrays with `shuffle=False`. So training goes on in the
    middle of an epoch. A stream's order is its own affair: with a stream, and with an optimizer
    that averages weights (`use_ema`), the state is saved at the ends of epochs alone, and a stream
    that shuffles or augments goes on with whatever it draws next. The states of other callbacks
    and of NumPy's generators are not saved; `History` holds the epochs since the last start.

    Where several processes train one model, the first one writes and all read: the folder is on a
    disk that they share.

    A save writes the rows that moved since the save before, all of them now and then, and nothing
    is replaced before its successor is on the disk: a backup takes up to three times the bytes of
    its rows. A process that is killed leaves the last backup whole.

    Args:
        path: Folder of the backup, made if it does not exist. One folder serves one `fit` call.
        save_freq: Float, seconds of training that may be lost: after a batch, the state is saved
            when the next one might go beyond. 0 saves after every batch.

    Raises:
        ValueError: In `fit`, if the backup belongs to another model, compilation or data.

    Example:

    ```python
    model.fit(x, y, epochs=100, callbacks=[raikeras.callbacks.Backup("backup")])
    ```
    """

    def __init__(self, path: str | os.PathLike[str], save_freq: float = 60.0) -> None:
        super().__init__()
        if isinstance(save_freq, bool) or not isinstance(save_freq, (int, float)) or save_freq < 0:
            raise ValueError(
                f"`save_freq` must be seconds, 0 or more. Received: save_freq={save_freq!r}"
            )
        if not os.fspath(path):
            raise ValueError("`path` must name a folder. Received: path=''")
        self.path, self.save_freq = Path(path), float(save_freq)
        self._start: dict[str, Any] = {}
        self._files: list[str] = []
        self._last: dict[str, np.ndarray] = {}
        self._order: OrderedArrays | None = None
        self._last_batch = 0  # of an epoch, counted from 1; 0 where none is worth a save

    # For `fit`

    def run_fit(
        self, fit: Callable[..., Any], model: keras.Model, call: dict[str, Any]
    ) -> keras.callbacks.History:
        """Runs the model's `fit`, from where it was stopped."""
        return resume.run(fit, model, call, self)

    def find_start(self) -> dict[str, Any]:
        """Where training begins: `epoch`, `batch` and the `seed` of the order."""
        self._files = _listed_files(self.path)
        if not self._files:
            self._start = {"epoch": 0, "batch": 0, "seed": random.randint(1, 10**9)}
        else:
            self._start = snapshots.read(self.path / self._files[-1])[0]
        return self._start

    def use_order(self, order: OrderedArrays | None, by_batch: bool) -> None:
        """Takes the batches of this `fit`, `None` for a stream."""
        self._order = order
        self._last_batch = order.steps if order and by_batch else 0
        self._data = order.describe() if order else None
        if self._files and self._start["data"] != self._data:
            raise self._misfit(f"data and batches {self._data}", self._start["data"])

    # For Keras

    def on_train_begin(self, logs: Logs = None) -> None:
        if not self._start:
            raise TypeError(
                "A Backup serves `RelaxedModel.fit`. "
                f"Received: a model of type {type(self.model).__name__}"
            )
        self._ages = None
        # Where random numbers stand after the last batch: steps draw from a stream of their own,
        # which readers of data, who draw in between, do not move.
        self._random = load_backend().random_state(self._start["seed"])
        if self._files:
            self._restore()
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch
        self._epoch_start = self._batch_start = time.monotonic()
        first = self._start["batch"] if epoch == self._start["epoch"] else 0
        if first:
            self._assign("metric", self.model.metrics_variables)
            self._last = {}
        if self._order is not None:
            self._order.epoch, self._order.first_batch = epoch, first

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch_start = time.monotonic()
        self._others = load_backend().random_state()
        load_backend().set_random_state(self._random)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._random = load_backend().random_state()
        load_backend().set_random_state(self._others)
        if batch + 1 < self._last_batch and self._is_due(self._batch_start):
            self._save(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self._is_due(self._batch_start if self._last_batch else self._epoch_start):
            self._save(epoch + 1, 0)

    def on_train_end(self, logs: Logs = None) -> None:
        files, self._files, self._start = [LIST, *self._files], [], {}
        if not load_backend().processes()[0]:
            self._remove(files)
        load_backend().meet("backup removed")

    def _remove(self, files: list[str]) -> None:
        for name in files:
            (self.path / name).unlink(missing_ok=True)
        if self.path.is_dir() and not any(self.path.iterdir()):
            self.path.rmdir()

    # Saving

    def _is_due(self, start: float) -> bool:
        """Whether another batch or epoch like the one since `start` might lose too much."""
        now = time.monotonic()
        return load_backend().agreed((now - self._saved) + (now - start) >= self.save_freq)

    def _save(self, epoch: int, batch: int) -> None:
        model = self.model
        if hasattr(model, "jax_state_sync"):
            model.jax_state_sync()  # within an epoch JAX keeps the state to itself
        entries = [
            _entry(f"{kind}/{number}", variable)
            for kind, variables in self._variables().items()
            for number, variable in enumerate(variables)
        ]
        kept: list[str] = []
        entries += [
            snapshots.entry(f"random/{number}", array) for number, array in enumerate(self._random)
        ]
        ages = None
        if model.store is not None:
            ages = model.store.read("age", np.arange(model.store.num_examples))
            kept, ids = self._moved_rows(ages)
            entries += _rows_of(model.store, ids)
        name = f"{1 + max([0, *(int(file[:8]) for file in self._files)]):08}.part"
        meta = {"epoch": epoch, "batch": batch, "seed": self._start["seed"], "data": self._data}
        self._files, self._ages = [*kept, name], ages
        if load_backend().processes()[0]:
            snapshots.read_through(entries)
        else:
            self._write(name, meta, entries)
        self._saved = time.monotonic()

    def _write(self, name: str, meta: dict[str, Any], entries: list[snapshots.Entry]) -> None:
        """Writes a file and names it, and removes those of which no more use is made."""
        self.path.mkdir(parents=True, exist_ok=True)
        snapshots.write(self.path / name, meta, entries)
        snapshots.write_text(self.path / LIST, json.dumps({"files": self._files}))
        for file in self.path.glob("*.part*"):
            if file.name not in self._files:
                file.unlink()

    def _moved_rows(self, ages: np.ndarray) -> tuple[list[str], np.ndarray | None]:
        """The files to build on and the ids to save; no files and `None` to save all."""
        if self._ages is None:
            return [], None
        ids = np.flatnonzero((ages != self._ages).any(axis=1))
        sizes = [(self.path / file).stat().st_size for file in self._files]
        moved = self.model.store_bytes() * len(ids) // len(ages)
        if len(ids) == len(ages) or sum(sizes) + moved > 2 * sizes[0]:
            return [], None
        return self._files, ids

    def _variables(self) -> dict[str, list[keras.Variable]]:
        """What is saved beside the rows, by position."""
        model = self.model
        tables = {id(table) for table in (model.store.variables if model.store else [])}
        state = {
            id(variable): variable
            for variable in (
                *model.trainable_variables,
                *model.non_trainable_variables,
                *model.variables,
            )
            if id(variable) not in tables
        }
        return {
            "state": list(state.values()),
            "optimizer": model.optimizer.variables,
            "metric": model.metrics_variables,
        }

    # Restoring

    def _restore(self) -> None:
        if not self.model.optimizer.built:
            self.model.optimizer.build(self.model.trainable_variables)
        parts = [snapshots.read(self.path / file)[1] for file in self._files]
        self._last = parts[-1]
        variables = self._variables()
        for kind in ("state", "optimizer"):
            self._assign(kind, variables[kind])
        kept = sorted(name for name in self._last if name.startswith("random/"))
        self._random = [self._last[name] for name in kept]
        store = self.model.store
        if (store is not None) != ("row/age" in self._last):
            raise self._misfit("rows" if store else "no rows", "the other")
        if store is None:
            return
        for part in parts:
            self._restore_rows(store, part)
        self._ages = store.read("age", np.arange(store.num_examples))

    def _restore_rows(self, store: Store, part: dict[str, np.ndarray]) -> None:
        for key, table in store.tables.items():
            rows = part.get(f"row/{key}")
            ids = part.get("ids")
            count = store.num_examples if ids is None else len(ids)
            shape = _shape_of(table, count)
            if rows is None or rows.shape != shape or rows.dtype != table.dtype:
                found = "none" if rows is None else f"{rows.shape} of {rows.dtype}"
                raise self._misfit(f"a table `{key}` of shape {tuple(table.shape)}", found)
            for piece in _pieces(count, rows[:1].nbytes):
                chosen = np.arange(count)[piece] if ids is None else np.array(ids[piece])
                store.write(key, chosen, _turned(np.array(rows[piece])))

    def _assign(self, kind: str, variables: list[keras.Variable]) -> None:
        found = {name: value for name, value in self._last.items() if name.startswith(kind + "/")}
        if len(found) != len(variables):
            raise self._misfit(f"{len(variables)} {kind} variables", len(found))
        values = [found[f"{kind}/{number}"] for number in range(len(variables))]
        for variable, value in zip(variables, values, strict=True):
            if tuple(variable.shape) != value.shape or variable.dtype != value.dtype.name:
                raise self._misfit(
                    f"`{variable.path}` of shape {tuple(variable.shape)} and {variable.dtype}",
                    f"{value.shape} and {value.dtype}",
                )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(np.array(value))

    def _misfit(self, expected: object, found: object) -> ValueError:
        return ValueError(
            f"The backup in {str(self.path)!r} must come from the same model, compilation and "
            f"data. Received: {found}, where there are {expected} now. Give each `fit` call a "
            "folder of its own, or remove this one to start again."
        )


def _listed_files(folder: Path) -> list[str]:
    """Names of the files of a backup, oldest first."""
    if not (folder / LIST).exists():
        return []
    return json.loads((folder / LIST).read_text(encoding="utf-8"))["files"]


def _entry(name: str, variable: keras.Variable) -> snapshots.Entry:
    """An entry with a variable's value; of one that devices share a layer at a time."""
    if not load_backend().is_spread(variable):
        return snapshots.entry(name, ops.convert_to_numpy(variable.value))
    value, count = variable.value, variable.shape[0]
    layers = (np.asarray(load_backend().part(value, number)) for number in range(count))
    return snapshots.Entry(name, np.dtype(variable.dtype).name, tuple(variable.shape), layers)


def _rows_of(store: Store, ids: np.ndarray | None) -> list[snapshots.Entry]:
    """Entries with some rows of a store, or all, read while they are written."""
    entries = [] if ids is None else [snapshots.entry("ids", ids)]
    count = store.num_examples if ids is None else len(ids)
    for key, table in store.tables.items():
        dtype, shape = np.dtype(table.dtype), _shape_of(table, count)
        size = math.prod(shape[1:]) * dtype.itemsize
        pieces = _read_in_pieces(store, key, ids, _pieces(count, size))
        entries.append(snapshots.Entry(f"row/{key}", dtype.name, shape, pieces))
    return entries


def _read_in_pieces(
    store: Store, key: str, ids: np.ndarray | None, pieces: list[slice]
) -> Iterator[np.ndarray]:
    for piece in pieces:
        chosen = np.arange(piece.start, piece.stop) if ids is None else ids[piece]
        yield _turned(store.read(key, chosen))


def _shape_of(table: Any, count: int) -> tuple[int, ...]:
    """The shape of so many rows of a table in a file: examples first."""
    return count, *table.shape[:-2], table.shape[-1]


def _turned(rows: np.ndarray) -> np.ndarray:
    """Rows of a table with examples on the first axis, or back."""
    return np.swapaxes(rows, 0, 1) if rows.ndim > 2 else rows


def _pieces(count: int, size: int) -> list[slice]:
    """`count` rows of `size` bytes in slices that fit into memory."""
    rows = max(1, PIECE // max(1, size))
    return [slice(first, min(first + rows, count)) for first in range(0, count, rows)]
