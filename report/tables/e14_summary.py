"""What a step costs at the centre of the scaling study: one row per backend, optimizer, method."""

from pathlib import Path

from report import latex, load, scaling

COLUMNS = {
    "ratio": "to backprop",
    "floor_ratio": "to products",
    "seconds": "ms a step",
    "compile_seconds": "compilation (s)",
    "bytes": "memory (MiB)",
    "rows_bytes": "rows (MiB)",
}


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, scaling.EXPERIMENT)
    lines = []
    for backend, name in scaling.BACKENDS.items():
        for optimizer, title in scaling.OPTIMIZERS.items():
            lines += _group(runs, backend, optimizer, f"{name}, {title}")
            lines.append(r"\addlinespace[3pt]")
    header = ["", "", "$n$", *COLUMNS.values()]
    latex.write(out, latex.table("llr" + "c" * len(COLUMNS), header, lines[:-1]))


def _group(runs: list[dict], backend: str, optimizer: str, title: str) -> list[str]:
    lines = []
    for method, label in scaling.LABELS.items():
        cells = [(title if not lines else "", ""), (label, "")]
        step = scaling.estimate(runs, backend, f"{method}_{optimizer}_seconds")
        cells.append((latex.integer(step.n), ""))
        for quantity in COLUMNS:
            found = scaling.estimate(runs, backend, f"{method}_{optimizer}_{quantity}")
            write = scaling.QUANTITIES[quantity][0]
            cells.append((write(found.value), latex.interval(found, write)))
        lines += latex.stacked(cells)
    return lines
