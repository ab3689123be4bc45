"""What a step with local problems costs."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.lib.costs import BACKENDS, QUANTITIES
from report.studies.e16_local_steps.looks import EXPERIMENT, LABELS

COLUMNS = {"ratio": "to backprop", "seconds": "ms a step", "first_seconds": "first epoch (s)"}


def local_steps(results: Path, out: Path) -> None:
    """One row per method, one group of columns per backend."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for method, label in LABELS.items():
        cells = [(label, "")]
        for backend in BACKENDS:
            for quantity in COLUMNS:
                found = metrics.mean(load.of(runs, backend), f"{method}_{quantity}")
                write = QUANTITIES[quantity][0]
                cells.append((write(found.value), latex.interval(found, write)))
        lines += latex.stacked(cells)
    names = [*COLUMNS.values()] * len(BACKENDS)
    header = latex.grouped(BACKENDS.values(), names)
    latex.write(out, latex.table("l" + "c" * len(names), header, lines))
