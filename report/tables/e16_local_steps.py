"""What a step with local problems costs: one row per method, one group of columns per backend."""

from pathlib import Path

from report import latex, load, local_steps, scaling

COLUMNS = {"ratio": "to backprop", "seconds": "ms a step", "compile_seconds": "compilation (s)"}


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, local_steps.EXPERIMENT)
    lines = []
    for method, label in local_steps.LABELS.items():
        cells = [(label, "")]
        for backend in scaling.BACKENDS:
            for quantity in COLUMNS:
                found = scaling.estimate(runs, backend, f"{method}_{quantity}")
                write = scaling.QUANTITIES[quantity][0]
                cells.append((write(found.value), latex.interval(found, write)))
        lines += latex.stacked(cells)
    names = [*COLUMNS.values()] * len(scaling.BACKENDS)
    header = latex.grouped(scaling.BACKENDS.values(), names)
    latex.write(out, latex.table("l" + "c" * len(names), header, lines))
