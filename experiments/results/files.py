"""Result files: one JSON a run, written completely or not at all."""

import json
import math
import os
from pathlib import Path
from typing import Any

from experiments.results import schema
from experiments.results.provenance import provenance


class SaveError(OSError):
    """A result could not be written; nothing half-written is left."""


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
        SchemaError: the metrics or curves are not those of the study's schema.
    """
    if status not in ("ok", "diverged"):
        raise ValueError(f'status must be "ok" or "diverged". Received: status={status!r}')
    schema.check(Path(results).name, run["settings"], metrics, curves)
    content = {
        "experiment": Path(results).name,
        "variant": run["variant"],
        "seed": run["seed"],
        "status": status,
        "settings": run["settings"],
        "metrics": metrics,
        "curves": curves,
        "landscape": landscape,
        "provenance": provenance(run),
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
    temporary = path.with_name(f".{path.name}.{os.uname().nodename}-{os.getpid()}.tmp")
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
