"""Reads result files (one JSON per run) into lists and DataFrames."""

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import make_moons

from experiments.results import schema
from report.lib.errors import ReportError
from report.lib.looks import Experiment


def runs(results: Path, experiment: Experiment, allow_missing: bool = False) -> list[dict]:
    """Every run of an experiment, in the order of its variants, then of its seeds.

    Args:
        results: folder that holds EXPERIMENT/VARIANT/seed-K.json.
        experiment: of a study's looks.py.
        allow_missing: whether variants without any run are passed over; those of a partial
            experiment always are.

    Raises:
        ReportError: a variant has no run and `allow_missing` is false.
    """
    folder = results / experiment.name
    found = {variant: of_folder(folder / variant) for variant in experiment.variants}
    missing = [variant for variant, own in found.items() if not own]
    if missing and not allow_missing and not experiment.partial:
        raise ReportError(
            f"{folder} must hold VARIANT/seed-K.json for every variant. "
            f"Missing: {', '.join(missing)}. `make results` trains what is missing."
        )
    return [run for own in found.values() for run in own]


def of_folder(folder: Path) -> list[dict]:
    """The runs of one variant, in the order of their seeds; none if it has no folder."""
    files = sorted(folder.glob("seed-*.json"), key=_seed)
    return [_read(file, file.stat().st_mtime_ns) for file in files]


@functools.cache
def _read(file: Path, written: int) -> dict:
    """A result as it was written at that time, read once a process: it is not to be changed."""
    run = json.loads(file.read_text(encoding="utf-8"))
    try:
        schema.check(run["experiment"], run["settings"], run["metrics"], run["curves"])
    except schema.SchemaError as error:
        raise ReportError(f"{file} was made by other code: {error}. Train it again.") from None
    return run


def _seed(file: Path) -> int:
    return int(file.stem.removeprefix("seed-"))


def of(runs_: list[dict], variant: str) -> list[dict]:
    """The runs of one variant."""
    return [run for run in runs_ if run["variant"] == variant]


def metrics(runs_: list[dict]) -> pd.DataFrame:
    """One row per run: variant, seed, status and its metrics (missing ones are NaN)."""
    rows = [
        {"variant": run["variant"], "seed": run["seed"], "status": run["status"], **run["metrics"]}
        for run in runs_
    ]
    frame = pd.DataFrame(rows, columns=None if rows else ["variant", "seed", "status"])
    numeric = frame.columns.difference(["variant", "seed", "status"])
    frame[numeric] = frame[numeric].apply(pd.to_numeric)
    return frame


def curves(runs_: list[dict]) -> pd.DataFrame:
    """One row per run and recorded iteration; entries that do not exist are NaN."""
    frames = [
        pd.DataFrame(run["curves"], dtype=float).assign(variant=run["variant"], seed=run["seed"])
        for run in runs_
        if run.get("curves")
    ]
    return pd.concat(frames, ignore_index=True)


def landscape(run: dict) -> np.ndarray | None:
    """Deployed output on the grid in [0, 1], shape (rows = y, columns = x), or None if absent."""
    grid = run.get("landscape") or {}
    values = grid.get("permille")
    if not values or any(value is None for value in values):
        return None
    return np.asarray(values, dtype=float).reshape(grid["resolution"], grid["resolution"]) / 1000


def landscapes(runs_: list[dict], variant: str) -> list[np.ndarray]:
    """The landscapes of a variant's runs that have one."""
    grids = [landscape(run) for run in of(runs_, variant)]
    return [grid for grid in grids if grid is not None]


def grid_axis(runs_: list[dict]) -> np.ndarray:
    """Coordinates of the grid points along either axis."""
    grid = next(run["landscape"] for run in runs_ if landscape(run) is not None)
    return np.linspace(grid["low"], grid["high"], grid["resolution"])


def shown(runs_: list[dict], variant: str) -> dict:
    """The run whose landscape is printed: the first seed that has one."""
    for run in of(runs_, variant):
        if landscape(run) is not None:
            return run
    raise ReportError(f"No run of {variant} has a landscape: all of its runs diverged.")


def moons() -> tuple[np.ndarray, np.ndarray]:
    """The 100 training examples of both experiments, shapes (100, 2) and (100,)."""
    return make_moons(n_samples=100, noise=0.1, random_state=42)
