"""Very deep nets: settings and results."""

from pathlib import Path

from report.lib import latex, load, setting_tables, summaries
from report.studies.e15_depth.looks import EXPERIMENT, TRAINED

HEADER = ["", "steps", "$n$", r"$\geq .99$", "train acc.", "test acc.", "start alone"]
HEADER += ["layers that move", "products in a row", "time (s)"]


def settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.of_one(results, EXPERIMENT))


def summary(results: Path, out: Path) -> None:
    """After training: one row per depth and method."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for variant, look in TRAINED.items():
        found, count = summaries.estimates(runs, variant), summaries.counts(runs, variant)
        first = load.of(runs, variant)[0]["metrics"]
        cells = [(look.label, "")]
        cells += [(latex.integer(count[name]), "") for name in ("iterations", "runs", "reached")]
        for name in ("train_accuracy", "test_accuracy", "readout_test_accuracy"):
            cells.append((latex.fixed(found[name].value), latex.interval(found[name], latex.fixed)))
        for name in ("layers_reached", "products_in_a_row"):
            cells.append((latex.integer(first.get(name) or 0), ""))
        cells.append((latex.seconds(found["seconds"].value), ""))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    latex.write(out, latex.table("lrrrcccrrr", HEADER, lines[:-1]))
