"""The hundred ReLU layers and the choices of relaxed layers: results and settings."""

from pathlib import Path

from report.lib import latex, load, setting_tables, stats
from report.studies.e08_limits.estimates import WRITE, estimates
from report.studies.e08_limits.looks import CHOICES, DEEP, EXPERIMENT, NETS

COLUMNS = {
    "not_finite_share": r"not finite (\%)",
    "gain": "growth",
    "largest_weight": r"$\max|\theta|$",
    "largest_target": r"$\max|z|$",
    "edges_float32": r"edges (\%)",
    "overfit": "overfit",
    "test_accuracy_float64": "test acc.",
}
OF_A_CHOICE = {"relu": ("test_accuracy", "gain"), "sigmoid": ("test_accuracy",)}
WITH_SETTINGS = (*DEEP, "relu_all", "relu_bp", "sigmoid_all", "sigmoid_bp")
NO_INFLUENCE = ("measured", "together", "landscape")  # on what is trained


def choices(results: Path, out: Path) -> None:
    """Deployed test accuracy by which layers are relaxed, for both nets side by side.

    Growth is shown where it differs: the sigmoid bounds it.
    """
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for choice, label in CHOICES.items():
        if not any(load.of(runs, f"{net}_{choice}") for net in NETS):
            continue
        cells = [(label, "")]
        for net, shown in OF_A_CHOICE.items():
            found = estimates(runs, f"{net}_{choice}")
            for metric in shown:
                write = WRITE[metric]
                cells.append((write(found[metric].value), latex.interval(found[metric], write)))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    above = r" & \multicolumn{2}{c}{ReLU} & sigmoid \\ \cmidrule(lr){2-3} \cmidrule(l){4-4}"
    header = [above + "\nrelaxed layers", "test acc.", "growth", "test acc."]
    latex.write(out, latex.table("lccc", header, lines[:-1] or [latex.LEFT_OUT]))


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
            value, write = found.get(name, stats.mean([])), WRITE[name]
            none = write(value.value) == latex.NONE  # zero targets where there are none
            cells.append((write(value.value), "" if none else latex.interval(value, write)))
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
