"""Goes through the runs of a script with visible progress."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

SECONDS_BETWEEN_LINES = 15
START_UP = 1000  # iterations that take about as long as a run's start


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
