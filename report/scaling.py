"""The scaling study's results as frames, lines and macros; used by its figures, tables, numbers."""

import numpy as np
import pandas as pd

from report import latex, load, stats
from report.variants import DASHDOT, DASHED, DOTTED

EXPERIMENT = "e14_scaling"
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX"}
LABELS = {
    "backprop": "backprop",
    "layerwise": "RAI, layer by layer",
    "fused": "RAI, fused",
    "floor": "the three products",
}
LOOKS = {
    "backprop": (0, "solid", "o"),
    "layerwise": (1, DASHED, "^"),
    "fused": (2, DASHDOT, "D"),
    "floor": (7, DOTTED, "s"),
}
OPTIMIZERS = {"rprop": "Rprop", "sgd": "SGD"}
DIMENSIONS = {"depth": "hidden layers", "units": "units of a layer", "batch": "examples of a batch"}
# A quantity is the last word of a metric's name; how it is written and its unit in running text.
QUANTITIES = {
    "seconds": (lambda value: latex.seconds(1000 * value), r"\,ms"),
    "compile_seconds": (lambda value: latex.significant(value, 2), r"\,s"),
    "ratio": (lambda value: latex.significant(value, 2), ""),
    "floor_ratio": (lambda value: latex.significant(value, 2), ""),
    "bytes": (lambda value: latex.significant(value / 2**20, 2), r"\,MiB"),
    "rows_bytes": (lambda value: latex.significant(value / 2**20, 2), r"\,MiB"),
}


def estimate(runs: list[dict], backend: str, name: str) -> stats.Estimate:
    """Mean of a metric at the centre over the repetitions; NaN where it was not measured."""
    values = [run["metrics"].get(name) for run in load.of(runs, backend)]
    return stats.mean([np.nan if value is None else value for value in values])


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
        f"{LABELS[method]} on {name}: {reason}"
        for backend, name in BACKENDS.items()
        for entry in sweep(runs, backend)["not_run"]
        for method, reason in entry.items()
    }
    return sorted(found)


def macros(runs: list[dict], experiment: str) -> dict[str, str]:
    """All numbers of the text: `\\EOneFourJaxFusedRpropRatio`, with `CI` the interval behind it.

    `\\EOneFourJaxDeepFusedCompileSeconds` and so on are those of the sweep's deepest point.
    """
    prefix = "E" + latex.camel(str(int(experiment[1:3])))
    counts = {len(load.of(runs, backend)) for backend in BACKENDS}
    source = load.of(runs, "jax")[0]["provenance"]
    rounds = load.of(runs, "jax")[0]["settings"].get("rounds", 0)
    found = {
        prefix + "N": " and ".join(str(count) for count in sorted(counts)),
        prefix + "Rounds": latex.integer(rounds),
        prefix + "Processor": latex.escape(source["processor"]),
        prefix + "Threads": latex.integer(source["threads"]),
        prefix + "NotRun": latex.escape("; ".join(reasons(runs)) or "nothing was left out"),
    }
    found |= {prefix + name.capitalize(): latex.integer(v) for name, v in centre(runs).items()}
    for backend in BACKENDS:
        own = prefix + latex.camel(backend)
        for method in LABELS:
            for optimizer in OPTIMIZERS:
                for quantity, (write, unit) in QUANTITIES.items():
                    name = f"{method}_{optimizer}_{quantity}"
                    value = estimate(runs, backend, name)
                    found[own + latex.camel(name)] = write(value.value) + unit
                    found[own + latex.camel(name) + "CI"] = latex.with_interval(value, write) + unit
        found |= _deepest(sweep(runs, backend), own + "Deep")
    return found


def _deepest(frame: pd.DataFrame, prefix: str) -> dict[str, str]:
    """Macros of the deepest point of a sweep."""
    row = frame.loc[[frame["depth"].idxmax()]]
    found = {prefix: latex.integer(row["depth"].iloc[0])}
    for method in LABELS:
        for quantity, (write, unit) in QUANTITIES.items():
            value = column(row, method, quantity).iloc[0]
            found[prefix + latex.camel(f"{method}_{quantity}")] = write(value) + unit
    return found
