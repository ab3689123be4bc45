"""Where a result comes from: what the driver knows, completed by what only the kernel can know.

Imports neither Keras nor NumPy: what a script uses is read from the modules it has loaded.
"""

import datetime
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("keras", "tensorflow", "jax", "jaxlib", "numpy", "scikit-learn")


def provenance(run: dict) -> dict[str, Any]:
    """What the driver knows about the run, completed by what only the kernel can know."""
    keras = sys.modules.get("keras")
    backend = keras.backend.backend() if keras else None
    utc = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "key": None,
        "commit": None,
        "dirty": None,
        "profile": None,
        **run.get("provenance", {}),
        "python": platform.python_version(),
        "versions": {name: v for name in PACKAGES if (v := _version(name))},
        "backend": backend,
        "device": _device(backend),
        "processor": _processor(),
        "dtype": keras.config.floatx() if keras else None,
        "threads": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "wall_seconds": round(time.perf_counter() - run["started"], 3)
        if "started" in run
        else None,
        "utc": utc,
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _device(backend: str | None) -> str:
    module = sys.modules.get(backend or "")
    if module and backend == "jax":
        return str(module.devices()[0].platform)
    if module and backend == "tensorflow" and module.config.list_physical_devices("GPU"):
        return "gpu"
    return "cpu"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
