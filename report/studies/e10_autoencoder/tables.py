"""The autoencoders' results, their settings and the search behind these."""

from pathlib import Path

from report.lib import latex, load, search, setting_tables, summaries
from report.lib.setting_tables import text
from report.studies.e10_autoencoder import data_sets
from report.studies.e10_autoencoder.looks import METHODS, MNIST
from report.studies.e10_autoencoder.tried import TRIALS

OF_MNIST = {
    "train_loss": "train loss",
    "test_loss": "test loss",
    "train_error": "train error",
    "test_error": "test error",
    "seconds": "time (s)",
    "milliseconds": "per step (ms)",
}
OF_OTHERS = {
    "train_loss": "train loss",
    "test_loss": "test loss",
    "test_error": "test error",
    "seconds": "time (s)",
}
NET = ("dataset", "hidden_units", "code_units", "batch_size", "epochs")


def mnist(results: Path, out: Path) -> None:
    """Results on MNIST: one row per method."""
    latex.write(out, summaries.table(results, MNIST, OF_MNIST))


def sets(results: Path, out: Path) -> None:
    """Results on the other data sets: one row per method, one group of columns per data set."""
    runs = {name: load.runs(results, name) for name in data_sets.OTHERS}
    lines = []
    for variant, look in METHODS.items():
        if not any(load.of(one, variant) for one in runs.values()):
            continue
        cells = [look.label]
        for experiment in data_sets.OTHERS:
            found = summaries.estimates(runs[experiment], variant)
            count = summaries.counts(runs[experiment], variant)
            cells.append(latex.integer(count["runs"]) + (r"$^*$" if count["diverged"] else ""))
            cells += [summaries.WRITE[name](found[name].value) for name in OF_OTHERS]
        lines.append(" & ".join(cells))
    titles = [data_sets.title(runs[name], name) for name in data_sets.OTHERS]
    header = latex.grouped(titles, ["$n$", *OF_OTHERS.values()] * len(data_sets.OTHERS))
    columns = "l" + ("r" + "c" * len(OF_OTHERS)) * len(data_sets.OTHERS)
    latex.write(out, latex.table(columns, header, lines or [latex.LEFT_OUT]))


def settings(results: Path, out: Path) -> None:
    """What each method has of its own on each data set."""
    found = data_sets.present(results)
    titles = {name: data_sets.title(runs, name) for name, runs in found.items()}
    latex.write(out, setting_tables.by_row(found, titles, NET))


def trials(results: Path, out: Path) -> None:
    """Every trial of the search for the settings, the chosen ones in bold."""
    lines = []
    for experiment, dataset in data_sets.SETS.items():
        title = data_sets.TITLES[dataset]
        for number, (variant, tried) in enumerate(search.read(TRIALS, experiment.name).items()):
            common = set.intersection(*(set(_items(one)) for one in tried))
            best = search.best(tried)
            names = [name for name, value in _items(best) if (name, value) not in common]
            cells = [_cell(one, names, bold=one is best) for one in tried]
            own = ", ".join(latex.escape(name) for name in names)
            head = [title if not number else "", METHODS[variant].label, own]
            lines.append(" & ".join([*head, "; ".join(cells)]))
        if lines and lines[-1] != r"\addlinespace[3pt]":
            lines.append(r"\addlinespace[3pt]")
    header = ["", "method", "tried", "values: held-out loss (nats per image)"]
    columns = r"ll>{\raggedright}p{0.125\textwidth}>{\raggedright\arraybackslash}p{0.52\textwidth}"
    lines = lines[:-1] or ["no trials yet & & & "]
    latex.write(out, latex.long_table(columns, header, lines, r"\TrialsCaption"))


def _items(trial: dict) -> list[tuple[str, str]]:
    return [(name, text(value)) for name, value in trial["settings"].items()]


def _cell(trial: dict, names: list[str], bold: bool) -> str:
    values = ", ".join(text(trial["settings"][name]) for name in names)
    loss = latex.loss(trial["loss"]) if trial["loss"] < float("inf") else "diverged"
    return f"{values}: " + (rf"\textbf{{{loss}}}" if bold else loss)
