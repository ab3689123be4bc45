"""Who may work beside whom: drivers in a checkout, chunks on a machine."""

import fcntl
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.driver.errors import DriverError, describe


@contextmanager
def driver(build: Path, alone: bool = True) -> Iterator[None]:
    """Holds build/.lock: one driver at a time, for the seconds that kernels take are results.

    Args:
        build: The checkout's folder of everything made.
        alone: Otherwise others that say so too may work beside it, parts of one whole.
    """
    with _held(build / ".lock", alone, "waiting for another run in this checkout to end"):
        yield


@contextmanager
def chunk(root: Path, profile: str, name: str, alone: bool) -> Iterator[None]:
    """Holds a chunk, which nobody makes twice, and its place on this machine.

    Args:
        root: The project's folder.
        profile: The profile's name.
        name: The chunk's.
        alone: Whether nothing of this checkout may run beside it on this machine.
    """
    checkout = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    machine = Path(tempfile.gettempdir(), f"raikeras-{os.getuid()}-{checkout}.lock")
    file = root / "build" / profile / "locks" / f"{name}.lock"
    with _held(file, True, f"waiting for another process that makes {name}"):
        why = "for it has to be alone" if alone else "for one that has to be alone"
        with _held(machine, alone, f"{name}: waiting for others on this machine, {why}"):
            yield


@contextmanager
def _held(path: Path, alone: bool, while_waiting: str) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a", encoding="utf-8")
    except OSError as error:
        raise DriverError(describe(error, path)) from None
    how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    with file:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            print(while_waiting, file=sys.stderr, flush=True)
            fcntl.flock(file, how)
        yield
