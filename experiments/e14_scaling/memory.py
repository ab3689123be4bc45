"""What a piece of work adds to this process's memory, for e14_scaling; Linux with glibc only."""

import ctypes
import gc
import sys
from collections.abc import Callable


def measurable() -> bool:
    """Whether the system tells the peak and lets it be reset."""
    try:
        _reset_peak()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        return sys.platform == "linux" and _status("VmHWM") > 0
    except (OSError, AttributeError, ValueError):
        return False


def resident() -> int:
    """Bytes in memory now, once free memory has been given back."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return _status("VmRSS")


def peak(run: Callable[[], object]) -> int:
    """The most bytes that were in memory during a call, free memory given back before."""
    resident()
    _reset_peak()
    run()
    return _status("VmHWM")


def _reset_peak() -> None:
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def _status(name: str) -> int:
    """A field of /proc/self/status, which counts in kB."""
    with open("/proc/self/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file if ":" in line)
    return 1024 * int(lines[name].split()[0])
