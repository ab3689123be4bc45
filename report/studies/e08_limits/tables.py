"""The hundred ReLU layers and the choices of relaxed layers: results and settings."""

from pathlib import Path

from report.lib import latex, load, setting_tables, stats
from report.studies.e08_limits.estimates import WRITE, estimates
from report.studies.e08_limits.looks import CHOICES, DEEP, EXPERIMENT, NETS

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
OF_A_CHOICE = ("test_accuracy", "success", "gain")
WITH_SETTINGS = (*DEEP, "relu_all", "relu_bp", "sigmoid_all", "sigmoid_bp")
NO_INFLUENCE = ("measured", "together", "landscape")  # on what is trained


def choices(results: Path, out: Path) -> None:
    """Deployed test accuracy by which layers are relaxed, for both nets side by side."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for choice, label in CHOICES.items():
        names = [f"{net}_{choice}" for net in NETS]
        if not any(load.of(runs, name) for name in names):
            continue
        counts = [len(load.of(runs, name)) for name in names]
        cells = [(label, ""), ("/".join(map(str, counts)), "")]
        for name in names:
            found = estimates(runs, name)
            for metric in OF_A_CHOICE:
                write = WRITE[metric]
                cells.append((write(found[metric].value), latex.interval(found[metric], write)))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = ["relaxed", "$n$"] + 2 * ["test acc.", "success", "growth"]
    latex.write(
        out,
        latex.table("lr" + "c" * 2 * len(OF_A_CHOICE), header, lines[:-1] or [latex.LEFT_OUT]),
    )


def deep(results: Path, out: Path) -> None:
    """A hundred ReLU layers: NaN cells, growth from layer to layer, grid, overfitting."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for variant, look in DEEP.items():
        if not load.of(runs, variant):
            continue
        found = estimates(runs, variant)
        cells = [(look.label, ""), (str(len(load.of(runs, variant))), "")]
        for name in COLUMNS:
            value = found.get(name, stats.mean([]))
            cells.append((WRITE[name](value.value), latex.interval(value, WRITE[name])))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    header = ["", "$n$", *COLUMNS.values()]
    body = lines[:-1] or [latex.LEFT_OUT]
    latex.write(out, latex.table("lr" + "c" * len(COLUMNS), header, body))


def settings(results: Path, out: Path) -> None:
    """Of the hundred ReLU layers, and of each net whose choice of layers is varied."""
    runs = load.runs(results, EXPERIMENT)
    found = {
        name: load.of(runs, name)[0]["settings"] for name in WITH_SETTINGS if load.of(runs, name)
    }
    names = sorted({key for one in found.values() for key in one} - {*NO_INFLUENCE})
    texts = {k: {n: setting_tables.text(one.get(k)) for n, one in found.items()} for k in names}
    differ = [name for name in names if len({*texts[name].values()}) > 1]
    lines = [
        " & ".join([EXPERIMENT.label(name), *(texts[key][name] for key in differ)])
        for name in found
    ]
    shared = {name: [*texts[name].values()][0] for name in names if name not in differ}
    lines += setting_tables.common(shared, len(differ) + 1)
    header = ["", *map(latex.escape, differ)]
    body = lines if found else [latex.LEFT_OUT]
    latex.write(out, latex.table("l" + "l" * len(differ), header, body))
