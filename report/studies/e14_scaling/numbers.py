"""The numbers of the scaling study."""

from pathlib import Path

import pandas as pd

from report.lib import latex, load, metrics
from report.lib.costs import BACKENDS, QUANTITIES
from report.studies.e14_scaling import devices
from report.studies.e14_scaling.looks import EXPERIMENT, METHODS, OPTIMIZERS
from report.studies.e14_scaling.sweep import centre, column, reasons, sweep


def macros(results: Path) -> dict[str, str]:
    """`\\EOneFourJaxFusedRpropRatio`, with `CI` the interval behind it.

    `\\EOneFourJaxDeepFusedFirstSeconds` and so on are those of the sweep's deepest point.
    """
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
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
        for method in METHODS:
            for optimizer in OPTIMIZERS:
                for quantity, (write, unit) in QUANTITIES.items():
                    name = f"{method}_{optimizer}_{quantity}"
                    value = metrics.mean(load.of(runs, backend), name)
                    found[own + latex.camel(name)] = write(value.value) + unit
                    found[own + latex.camel(name) + "CI"] = latex.with_interval(value, write) + unit
        found |= _deepest(sweep(runs, backend), own + "Deep")
    return found | _devices(prefix + "Devices")


def _devices(prefix: str) -> dict[str, str]:
    """Macros of the computed table of devices: what it assumes."""
    assumed = devices.read()
    return {
        prefix: latex.integer(assumed["devices"]),
        prefix + "Layers": latex.integer(assumed["layers"]),
        prefix + "Micro": latex.integer(assumed["micro_batches"]),
        prefix + "Tera": latex.significant(assumed["operations_per_second"] / 1e12),
        prefix + "Memory": latex.significant(assumed["bytes_per_second"] / 1e12),
        prefix + "Launch": latex.significant(1e6 * assumed["launch_seconds"]),
        prefix + "Link": latex.integer(assumed["link_bytes_per_second"] / 1e9),
        prefix + "Message": latex.integer(1e6 * assumed["link_seconds"]),
    }


def _deepest(frame: pd.DataFrame, prefix: str) -> dict[str, str]:
    """Macros of the deepest point of a sweep."""
    row = frame.loc[[frame["depth"].idxmax()]]
    found = {prefix: latex.integer(row["depth"].iloc[0])}
    for method in METHODS:
        for quantity, (write, unit) in QUANTITIES.items():
            value = column(row, method, quantity).iloc[0]
            found[prefix + latex.camel(f"{method}_{quantity}")] = write(value) + unit
    return found
