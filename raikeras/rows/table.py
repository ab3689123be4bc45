"""Tables of rows: on the device, in the host's memory, or in a memory-mapped file."""

import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np
from keras import ops

from raikeras.backend import load_backend
from raikeras.backend.names import STACKED
from raikeras.typing import Tensor

PAGE = 4096  # tables in a file begin at multiples of it
MAGIC = b"raikeras rows 1\n"
# Shape and dtype of tables by name.
Layout = dict[str, tuple[tuple[int, ...], str]]


def check_storage(storage: Any) -> str:
    """`"device"`, `"host"` or a path as a string.

    Raises:
        ValueError: For anything else, a misspelt word included.
    """
    if storage in ("device", "host"):
        return storage
    if isinstance(storage, os.PathLike):
        return os.fspath(storage)
    if isinstance(storage, str) and (os.path.dirname(storage) or os.path.splitext(storage)[1]):
        return storage
    raise ValueError(
        '`storage` must be "device", "host" or the path of a file (with a folder or a suffix, as '
        f"in 'rows.bin'). Received: storage={storage!r}"
    )


def written_if(condition: Tensor, ids: Tensor, num_examples: int) -> Tensor:
    """The ids of the rows to be written: those given, or, where the condition is false, none.

    None are ids beyond the table, which both kinds of table leave out of what they write. That is
    free, for the place of each row is looked up anyhow; to choose between new and old rows, or to
    write under a condition, would read the old rows a second time or copy the table.

    Args:
        condition: Boolean scalar.
        ids: Integers `(batch,)`.
        num_examples: Integer, number of rows of the tables.
    """
    wide = "int64" if num_examples >= 2**31 else "int32"  # ids may be of uint8
    return ops.where(condition, ops.cast(ids, wide), num_examples)


class DeviceTable:
    """A table that is a Keras variable, which a compiled step takes along.

    The rows of a chain's layers lie one below the other, `(layers * num_examples, units)`, for
    TensorFlow reads and writes some rows in place along the first axis of a variable alone.

    Args:
        shape: Shape of the table.
        dtype: Its dtype.
        name: Name of the variable.

    Attributes:
        variable: The Keras variable.
    """

    on_host = False

    def __init__(self, shape: tuple[int, ...], dtype: str, name: str) -> None:
        self.shape, self.dtype = shape, dtype
        self.variable = keras.Variable(
            "zeros", (math.prod(shape[:-1]), shape[-1]), dtype, trainable=False, name=name
        )

    @property
    def value(self) -> Tensor:
        """The present rows, a tensor of the table's shape."""
        return ops.reshape(self.variable.value, self.shape)

    def assign(self, value: Any) -> None:
        """Writes all rows."""
        self.variable.assign(ops.reshape(value, self.variable.shape))

    def places(self, ids: Tensor) -> Tensor:
        """Where the rows of some examples lie in the variable, `(batch,)` or `(layers, batch)`.

        The place of an id beyond the table is one beyond the variable, see `written_if`.
        """
        if len(self.shape) == 2:
            return ids
        layers, count = self.shape[:2]
        wide = "int64" if layers * count >= 2**31 else "int32"
        ids = ops.cast(ids, wide)
        places = ids + count * ops.arange(layers, dtype=wide)[:, None]
        return ops.where(ids < count, places, layers * count)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return _as_array(ops.convert_to_numpy(load_backend().whole(self.value)), dtype, copy)


def _as_array(array: np.ndarray, dtype: Any, copy: bool | None) -> np.ndarray:
    """What `__array__` returns; only NumPy 2 knows `copy=None`, a copy if one is needed."""
    if copy is None:
        return np.asarray(array, dtype=dtype)
    return np.array(array, dtype=dtype, copy=copy)


def _variable_name(name: str, shape: tuple[int, ...]) -> str:
    own = "store_" + name.replace("/", "_")
    return f"{STACKED}_{own}" if len(shape) > 2 else own


class DeviceMemory:
    """Makes tables that are Keras variables."""

    def make(self, layout: Layout) -> dict[str, DeviceTable]:
        """Tables of the given shapes and dtypes, by name."""
        return {
            name: DeviceTable(shape, dtype, _variable_name(name, shape))
            for name, (shape, dtype) in layout.items()
        }


class HostTable:
    """A table that the traced step reaches by calls back to Python.

    An example's values lie side by side, also those of a table `(layers, num_examples, units)`: a
    batch of a mapped file is read in as few pieces as may be.

    Args:
        array: Array or `np.memmap` of shape `(num_examples, ...)`, used as it is.
    """

    on_host = True

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape, self.dtype = self._turned(array).shape, array.dtype.name

    def gather(self, ids: Any) -> np.ndarray:
        """A copy of the rows `ids`."""
        return np.ascontiguousarray(self._turned(self.array[np.asarray(ids)]))

    def scatter(self, ids: Any, rows: Any) -> None:
        """Writes the rows `ids` in place; none where `written_if` says so."""
        ids = np.asarray(ids)
        if (ids < len(self.array)).all():
            self.array[ids] = self._turned(np.asarray(rows))

    def assign(self, value: Any) -> None:
        """Writes all rows."""
        self.array[...] = self._turned(np.asarray(value))

    def _turned(self, array: np.ndarray) -> np.ndarray:
        """The examples from the first axis to that of a table, or back."""
        return np.swapaxes(array, 0, 1) if array.ndim > 2 else array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return _as_array(self._turned(self.array), dtype, copy)


def table_of(
    shape: tuple[int, ...], dtype: str, make: Callable[[tuple[int, ...], str], np.ndarray]
) -> HostTable:
    """A table of a shape, in an array that `make(shape, dtype)` lays out by examples."""
    return HostTable(make((shape[1], shape[0], *shape[2:]) if len(shape) > 2 else shape, dtype))


class HostMemory:
    """Makes tables in the host's memory."""

    def make(self, layout: Layout) -> dict[str, HostTable]:
        """Tables of the given shapes and dtypes, by name."""
        tables = {name: table_of(shape, dtype, np.empty) for name, (shape, dtype) in layout.items()}
        for table in tables.values():
            # Written now, lest the system look for pages, or for memory, while training.
            table.array.fill(0)
        return tables


class FileMemory:
    """Makes tables in a memory-mapped file, which has its full size from the start.

    A file that another training run has open is replaced, never written to. The file is scratch
    space: it is of no use to another process.

    Args:
        path: Path of the file; its folder must exist.

    Raises:
        FileNotFoundError: If the folder does not exist.
        FileExistsError: If there is a file that is not one of these.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        if not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"The folder of `storage` must exist. Received: storage={path!r}; there is no "
                f"folder {str(self.path.parent)!r}"
            )
        if self.path.exists() and not _is_ours(self.path):
            raise FileExistsError(
                "`storage` must name a new file or one that an earlier training wrote. Received: "
                f"storage={path!r}, which holds something else"
            )
        self._end = PAGE  # of the tables so far; the first page holds the mark
        self._made = False

    def make(self, layout: Layout) -> dict[str, HostTable]:
        """Tables of the given shapes and dtypes, by name, behind those made before."""
        starts, end = {}, self._end
        for name, (shape, dtype) in layout.items():
            starts[name] = end
            end += _pages(math.prod(shape) * np.dtype(dtype).itemsize)
        if not self._made:
            self._create()
        with open(self.path, "r+b") as file:
            file.truncate(self._end)
            _reserve(file, self._end, end, self.path)
        self._end = end

        def mapped(name: str) -> Callable[[tuple[int, ...], str], np.ndarray]:
            return lambda shape, dtype: np.memmap(
                self.path, np.dtype(dtype), "r+", starts[name], shape
            )

        return {
            name: table_of(shape, dtype, mapped(name)) for name, (shape, dtype) in layout.items()
        }

    def drop(self, tables: dict[str, HostTable]) -> None:
        """Gives back the space of the tables made last, which must not be used any more."""
        self._end -= sum(_pages(table.array.nbytes) for table in tables.values())

    def _create(self) -> None:
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name + ".")
        with open(handle, "wb") as file:
            file.write(MAGIC.ljust(PAGE, b"\0"))
        os.replace(name, self.path)
        self._made = True


def _pages(size: int) -> int:
    """`size` rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _reserve(file: BinaryIO, start: int, end: int, path: Path) -> None:
    """Makes the file `end` bytes long and sets the space aside, where the system can.

    A disk that fills up later would otherwise kill the process at a write to the mapped file.
    """
    if end == start:
        return
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), start, end - start)
        else:
            file.truncate(end)
    except OSError as error:
        file.truncate(start)
        raise MemoryError(
            f"The rows and their slots need {end - PAGE:,} bytes, which the disk of {str(path)!r} "
            f"does not have ({error.strerror}). Use another disk, "
            '`Learned(dtype="bfloat16")` or a rule with fewer slots.'
        ) from error
