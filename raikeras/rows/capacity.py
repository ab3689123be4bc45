"""How much room there is for rows: host, accelerator, disk."""

import os
import shutil
from pathlib import Path

from raikeras.backend import load_backend


def available(storage: str) -> int | None:
    """Bytes that a store may take, or `None` where nobody can tell.

    Args:
        storage: `"device"`, `"host"` or the path of a file, as in `Learned`.
    """
    if storage == "host":
        return host_memory()
    if storage == "device":
        backend = load_backend()
        return backend.device_memory() if backend.has_accelerator() else host_memory()
    path = Path(storage)
    if not path.parent.is_dir():
        return None  # opening the file says so
    # The file of an earlier run makes room for its successor only once nobody maps it.
    return shutil.disk_usage(path.parent).free


def check_room(need: int, storage: str) -> None:
    """Raises a `MemoryError` naming the need and the ways out if there is no room for it."""
    room = available(storage)
    if room is None or need <= room:
        return
    place = {"device": "the device", "host": "the host's memory"}.get(storage)
    others = {
        "device": 'storage="host", storage="a/path" for a memory-mapped file',
        "host": 'storage="a/path" for a memory-mapped file',
    }.get(storage, "a path on a larger disk")
    raise MemoryError(
        f"The rows and their slots need {need:,} bytes ({need / 1e9:.1f} GB); "
        f"{place or f'the disk of {storage!r}'} has {room:,} left. Use "
        f'`Learned(dtype="bfloat16")`, {others}, or an optimizer with fewer slots '
        "(`Learned(optimizer=...)`: SGD has none, momentum one, Adam two)."
    )


def host_memory() -> int | None:
    """Bytes that the process may still take, the limit of its container included."""
    rooms = [_free_memory(), _cgroup_room()]
    return min((room for room in rooms if room is not None), default=None)


def _free_memory() -> int | None:
    try:  # counts what the system can reclaim, unlike SC_AVPHYS_PAGES
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _cgroup_room(root: str = "/sys/fs/cgroup") -> int | None:
    """What a container's limit leaves; `None` without a limit."""
    folder = Path(root)
    for limit, usage in (
        (folder / "memory.max", folder / "memory.current"),
        (folder / "memory/memory.limit_in_bytes", folder / "memory/memory.usage_in_bytes"),
    ):
        try:
            most, taken = int(limit.read_text()), int(usage.read_text())
            statistics = (limit.parent / "memory.stat").read_text().split()
        except (OSError, ValueError):  # no such file, or "max"
            continue
        cache = dict(zip(statistics[::2], map(int, statistics[1::2]), strict=False))
        return most - taken + cache.get("inactive_file", 0)
    return None
