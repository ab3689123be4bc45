"""Files of named arrays, written whole or not at all; large ones go through in pieces."""

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MAGIC = b"raikeras save 1\n"


class Entry(NamedTuple):
    """An array to be written: its pieces, one after another, have the given shape together."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    pieces: Iterable[np.ndarray]


def entry(name: str, array: Any) -> Entry:
    """An array in one piece."""
    array = np.asarray(array)
    return Entry(name, array.dtype.name, array.shape, [array])


def write(path: Path, meta: dict[str, Any], entries: list[Entry]) -> int:
    """Writes a file under a temporary name, has the disk confirm it and renames it.

    Returns:
        Bytes of the file.
    """
    listed = [(one.name, one.dtype, list(one.shape)) for one in entries]
    header = json.dumps({"meta": meta, "arrays": listed}).encode()
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with open(unfinished, "wb") as file:
            file.write(MAGIC + len(header).to_bytes(8, "little") + header)
            for one in entries:
                for piece in one.pieces:
                    file.write(np.ascontiguousarray(piece).view(np.uint8).data)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return size


def read_through(entries: list[Entry]) -> None:
    """Reads what another process writes: devices that share an array read it together."""
    for one in entries:
        for _ in one.pieces:
            pass


def read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `write` was given: `meta`, and the arrays by name, mapped and not yet read.

    Raises:
        ValueError: If the file is none of these or incomplete.
    """
    with open(path, "rb") as file:
        start = file.read(len(MAGIC) + 8)
        if start[: len(MAGIC)] != MAGIC:
            raise ValueError(f"{str(path)!r} is no file of a backup.")
        header = json.loads(file.read(int.from_bytes(start[len(MAGIC) :], "little")))
        place = file.tell()
    data = np.memmap(path, np.uint8, "r")
    sizes = [math.prod(shape) * np.dtype(dtype).itemsize for _, dtype, shape in header["arrays"]]
    if place + sum(sizes) != data.size:
        raise ValueError(
            f"{str(path)!r} is incomplete: {data.size} bytes instead of {place + sum(sizes)}."
        )
    arrays = {}
    for (name, dtype, shape), size in zip(header["arrays"], sizes, strict=True):
        arrays[name] = data[place : place + size].view(np.dtype(dtype)).reshape(shape)
        place += size
    return header["meta"], arrays


def write_text(path: Path, text: str) -> None:
    """Replaces a small file as a whole."""
    unfinished = path.with_name(path.name + ".unfinished")
    with open(unfinished, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Has the disk confirm renames, where the system knows how."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
