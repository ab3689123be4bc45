"""Very deep nets: what their start has, and what steps of RAI add."""

from pathlib import Path

from report.lib import latex, load, setting_tables, summaries
from report.studies.e15_depth.looks import EXPERIMENT

HEADER = ["", "$n$", "untrained", "after RAI", "layers moved"]


def settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.of_one(results, EXPERIMENT))


def summary(results: Path, out: Path) -> None:
    """One row per depth."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for variant, look in EXPERIMENT.variants.items():
        found, count = summaries.estimates(runs, variant), summaries.counts(runs, variant)
        first = load.of(runs, variant)[0]["metrics"]
        cells = [(look.label, ""), (latex.integer(count["runs"]), "")]
        for name in ("readout_test_accuracy", "test_accuracy"):
            cells.append((latex.fixed(found[name].value), latex.interval(found[name], latex.fixed)))
        cells.append((latex.integer(first.get("layers_reached") or 0), ""))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    latex.write(out, latex.table("lrccr", HEADER, lines[:-1]))
