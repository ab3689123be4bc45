"""Very deep nets after training: one row per depth and method."""

from pathlib import Path

from report import depth, latex, load, summary
from report.variants import VARIANTS

HEADER = ["", "steps", "$n$", r"$\geq .99$", "train acc.", "test acc.", "start alone"]
HEADER += ["layers that move", "products in a row", "time (s)"]


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, depth.EXPERIMENT)
    lines = []
    for variant in depth.TRAINED:
        found, count = summary.estimates(runs, variant), summary.counts(runs, variant)
        first = load.of(runs, variant)[0]["metrics"]
        cells = [(VARIANTS[depth.EXPERIMENT][variant].label, "")]
        cells += [(latex.integer(count[name]), "") for name in ("iterations", "runs", "reached")]
        for name in ("train_accuracy", "test_accuracy", "readout_test_accuracy"):
            cells.append((latex.fixed(found[name].value), latex.interval(found[name], latex.fixed)))
        for name in ("layers_reached", "products_in_a_row"):
            cells.append((latex.integer(first.get(name) or 0), ""))
        cells.append((latex.seconds(found["seconds"].value), ""))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    latex.write(out, latex.table("lrrrcccrrr", HEADER, lines[:-1]))
