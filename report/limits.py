"""What the limits of relaxation come to: means and intervals by variant, for tables and numbers."""

import numpy as np

from report import latex, load, stats
from report.variants import CHOICES, VARIANTS

EXPERIMENT = "e08_limits"
DEEP = [name for name in VARIANTS[EXPERIMENT] if not name.startswith(("relu_", "sigmoid_"))]
NETS = {"relu": "ReLU, RAI as code", "sigmoid": "sigmoid, growing weight"}
LEVEL = 0.95  # test accuracy of a success


def whole(value: float) -> str:
    return latex.fixed(value, 0)


WRITE = {
    "train_accuracy": latex.fixed,
    "test_accuracy": latex.fixed,
    "test_accuracy_float64": latex.fixed,
    "overfit": latex.fixed,
    "any_nan": latex.fixed,
    "nan_share": latex.percent,
    "not_finite_share": latex.percent,
    "edges": latex.percent,
    "edges_float32": latex.percent,
    "regions": whole,
    "gain": lambda value: latex.fixed(value, 2),
    "log_size_data": lambda value: latex.fixed(value, 1),
    "log_size_grid": lambda value: latex.fixed(value, 1),
    "largest_weight": latex.significant,
    "largest_target": lambda value: latex.significant(value) if value else latex.NONE,
    "relaxed_loss": latex.loss,
    "overflow_iteration": whole,
    "overflow_layer": whole,
    "success": latex.fixed,
}


def estimates(runs: list[dict], variant: str) -> dict[str, stats.Estimate]:
    """The estimate of each name in `WRITE`; of none, where the profile leaves the variant out."""
    chosen = load.of(runs, variant)
    if not chosen:
        return {name: stats.mean([]) for name in WRITE}
    frame = load.metrics(chosen)
    frame["success"] = (frame["test_accuracy"] >= LEVEL).astype(float)
    frame["gain"] = 10.0 ** frame["log_gain"] if "log_gain" in frame else np.nan
    # Runs that never overflow have no iteration or layer of it.
    return {name: stats.mean(frame[name].dropna()) for name in WRITE if name in frame}


def macros(runs: list[dict], experiment: str) -> dict[str, str]:
    """Macros `EEight...` by variant and metric, and how many runs overflowed."""
    sizes = sorted({len(load.of(runs, variant)) for variant in VARIANTS[experiment]} - {0}) or [0]
    found = {"EEightN": str(sizes[0]) + (f" to {sizes[-1]}" if len(sizes) > 1 else "")}
    for variant in VARIANTS[experiment]:
        own, chosen = "EEight" + latex.camel(variant), load.of(runs, variant)
        values = estimates(runs, variant)
        for name, write in WRITE.items():
            value = values.get(name, stats.mean([]))
            found[own + latex.camel(name)] = write(value.value)
            found[own + latex.camel(name) + "CI"] = latex.with_interval(value, write)
        found[own + "Runs"] = str(len(chosen))
        lost = [run["metrics"].get("overflow_iteration") is not None for run in chosen]
        found[own + "Overflowed"] = str(sum(lost))
    return found


def table(runs: list[dict], variants, columns: dict[str, str], first: str = "") -> str:
    """Rows of variants; what the profile leaves out has none."""
    lines = []
    for variant, label in variants.items():
        if not load.of(runs, variant):
            continue
        found = estimates(runs, variant)
        cells = [(label, ""), (str(len(load.of(runs, variant))), "")]
        for name in columns:
            value = found.get(name, stats.mean([]))
            cells.append((WRITE[name](value.value), latex.interval(value, WRITE[name])))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = [first, "$n$", *columns.values()]
    return latex.table("lr" + "c" * len(columns), header, lines[:-1] or [latex.LEFT_OUT])


def choices(net: str) -> dict[str, str]:
    """Variants of a net and the words for their relaxed layers."""
    return {f"{net}_{name}": label for name, label in CHOICES.items()}
