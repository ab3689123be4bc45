"""A hundred ReLU layers: NaN cells, growth from layer to layer, grid, overfitting."""

from pathlib import Path

from report import latex, limits, load
from report.variants import label

COLUMNS = {
    "nan_share": r"NaN cells (\%)",
    "not_finite_share": r"not finite (\%)",
    "gain": "growth",
    "overflow_iteration": "overflow at",
    "largest_weight": r"$\max|\theta|$",
    "largest_target": r"$\max|z|$",
    "edges_float32": r"edges (\%)",
    "overfit": "overfit",
    "test_accuracy": "test acc.",
    "test_accuracy_float64": "in float64",
}


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, limits.EXPERIMENT)
    names = {variant: label(limits.EXPERIMENT, variant) for variant in limits.DEEP}
    latex.write(out, limits.table(runs, names, COLUMNS))
