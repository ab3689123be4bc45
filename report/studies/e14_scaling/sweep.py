"""The sweep of the scaling study over depth, width and batch as frames."""

import numpy as np
import pandas as pd

from report.lib import load
from report.lib.costs import BACKENDS
from report.studies.e14_scaling.looks import DIMENSIONS, METHODS


def centre(runs: list[dict]) -> dict[str, int]:
    """Depth, units and batch of the centre."""
    settings = load.of(runs, "jax")[0]["settings"]
    return {name: settings[name] for name in DIMENSIONS}


def sweep(runs: list[dict], backend: str) -> pd.DataFrame:
    """One row per visited point of the sweep's first run; what was not run is NaN."""
    curves = load.of(runs, f"{backend}_sweep")[0]["curves"]
    numbers = {name: values for name, values in curves.items() if name != "not_run"}
    return pd.DataFrame(numbers, dtype=float).assign(not_run=curves["not_run"])


def along(frame: pd.DataFrame, dimension: str) -> pd.DataFrame:
    """The points that differ from the centre, the first row, in this dimension alone."""
    others = [name for name in DIMENSIONS if name != dimension]
    return frame[(frame[others] == frame[others].iloc[0]).all(axis=1)].sort_values(dimension)


def column(frame: pd.DataFrame, method: str, quantity: str) -> pd.Series:
    """A quantity of a method with Rprop; all NaN where the method was never run."""
    return frame.get(f"{method}_rprop_{quantity}", pd.Series(np.nan, frame.index))


def reasons(runs: list[dict]) -> list[str]:
    """What was not run at all, as sentences without their full stop."""
    found = {
        f"{METHODS[method].label} on {name}: {reason}"
        for backend, name in BACKENDS.items()
        for entry in sweep(runs, backend)["not_run"]
        for method, reason in entry.items()
    }
    return sorted(found)
