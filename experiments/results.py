"""For experiment scripts: go through the runs with visible progress and save one JSON file each.

Imports neither Keras nor NumPy: what a script uses is read from the modules it has loaded.
"""

import datetime
import json
import math
import os
import platform
import sys
import time
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("keras", "tensorflow", "jax", "jaxlib", "numpy", "scikit-learn")
SECONDS_BETWEEN_LINES = 15
START_UP = 1000  # iterations that take about as long as a run's start


class SaveError(OSError):
    """A result could not be written; nothing half-written is left."""


def each(runs: Iterable[dict], settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields every run with its full settings and prints a line when it starts and ends.

    Args:
        runs: dicts with `variant`, `seed` and, where they differ, `settings`.
        settings: the script's defaults.

    Raises:
        ValueError: a run names a setting that the script does not have.
    """
    waiting = [_merged(run, settings) for run in runs]
    finished: list[tuple[dict, float]] = []
    for number, run in enumerate(waiting, 1):
        run.setdefault("number", number)
        run.setdefault("total", len(waiting))
        print(f"{title(run)} started{_left(waiting[number - 1 :], finished)}", flush=True)
        run["started"] = run["printed"] = time.perf_counter()
        yield run
        seconds = time.perf_counter() - run["started"]
        finished.append((run, seconds))
        left = _left(waiting[number:], finished)
        print(f"{title(run)} ... {duration(seconds)}{left}", flush=True)


def progress(run: dict[str, Any], done: int, total: int) -> None:
    """Says how far a run is: call it as often as you like, it prints every 15 seconds."""
    now = time.perf_counter()
    if done and now - run["printed"] >= SECONDS_BETWEEN_LINES:
        run["printed"] = now
        left = duration((now - run["started"]) * (total - done) / done)
        print(f"{title(run)}: {done} of {total}; about {left} left in this run", flush=True)


def save(
    results: str | Path,
    run: dict[str, Any],
    *,
    metrics: dict,
    curves: dict,
    landscape: dict | None = None,
    status: str = "ok",
) -> Path:
    """Writes `results`/VARIANT/seed-K.json completely or not at all.

    Args:
        results: the experiment's folder.
        run: as `each` yields it.
        metrics, curves, landscape: plain values or arrays; what is not finite becomes null.
        status: "ok", or "diverged" where a loss or a weight stopped being finite.

    Returns:
        The file's path.

    Raises:
        SaveError: the disk is full or the folder not writable.
    """
    if status not in ("ok", "diverged"):
        raise ValueError(f'status must be "ok" or "diverged". Received: status={status!r}')
    content = {
        "experiment": Path(results).name,
        "variant": run["variant"],
        "seed": run["seed"],
        "status": status,
        "settings": run["settings"],
        "metrics": metrics,
        "curves": curves,
        "landscape": landscape,
        "provenance": _provenance(run),
    }
    lines = (f"{json.dumps(name)}: {json.dumps(plain(v))}" for name, v in content.items())
    path = Path(results, run["variant"], f"seed-{run['seed']}.json")
    write(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def load(folder: str | Path) -> list[dict[str, Any]]:
    """All results below a folder, by variant and seed."""
    files = [json.loads(p.read_text("utf-8")) for p in Path(folder).rglob("seed-*.json")]
    return sorted(files, key=lambda r: (r["experiment"], r["variant"], r["seed"]))


def write(path: Path, text: str) -> None:
    """Writes a text file under a temporary name beside it, then renames it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise SaveError(
            error.errno,
            f"A result must be written completely, so nothing was kept of {path}. "
            f"Received: {error.strerror or error}. Free {len(text) // 1000 + 1} kB there or give "
            "yourself write permission, then start again: finished results are kept",
        ) from error
    finally:
        if os.path.lexists(temporary):
            os.unlink(temporary)


def plain(value: Any) -> Any:
    """A value as JSON holds it: arrays as lists, numbers that are not finite as null."""
    if hasattr(value, "tolist"):  # NumPy arrays and scalars
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def title(run: dict[str, Any]) -> str:
    """The words that name a run in every progress line."""
    experiment = f"{run['experiment']} " if run.get("experiment") else ""
    return f"{experiment}{run['number']}/{run['total']} {run['variant']} seed {run['seed']}"


def duration(seconds: float) -> str:
    """Seconds as a reader says them."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _merged(run: dict, settings: dict) -> dict[str, Any]:
    changes = run.get("settings", {})
    unknown = sorted(set(changes) - set(settings))
    if unknown:
        raise ValueError(
            f"A run may only change settings that the script has: {', '.join(sorted(settings))}. "
            f"Received: {', '.join(unknown)}"
        )
    return {**run, "settings": {**settings, **changes}}


def _left(waiting: list[dict], finished: list[tuple[dict, float]]) -> str:
    """Time left, from finished runs of the same variant, else from all, per iteration."""
    if not finished or not waiting:
        return ""
    seconds = 0.0
    for run in waiting:
        same = [entry for entry in finished if entry[0]["variant"] == run["variant"]] or finished
        spent, cost = sum(s for _, s in same), sum(_cost(r) for r, _ in same)
        seconds += spent / cost * _cost(run)
    return f"; about {duration(seconds)} left"


def _cost(run: dict) -> float:
    """Iterations, with compilation and evaluation counted as some: short runs are all start-up."""
    return START_UP + (run["settings"].get("iterations") or 0)


def _provenance(run: dict) -> dict[str, Any]:
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
