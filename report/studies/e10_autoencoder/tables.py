"""The autoencoder after training, the trials behind its settings, and what all runs share."""

from pathlib import Path

from report.lib import latex, load, metrics, setting_tables
from report.studies.e10_autoencoder.looks import AUTOENCODER

COLUMNS = {
    "train_excess": ("train", latex.loss),
    "test_excess": ("test", latex.loss),
    "gradient_evaluations": ("evaluations", latex.integer),
    "step_evaluations": ("per step", latex.significant),
    "milliseconds": ("ms", latex.significant),
}
INTERVALS = ("train_excess", "test_excess")


def results(results: Path, out: Path) -> None:
    """Nats above the floor and costs, a row for each method."""
    runs = load.runs(results, AUTOENCODER)
    lines = []
    for variant, look in AUTOENCODER.variants.items():
        own = load.of(runs, variant)
        if not own:
            continue
        cells = [look.label, str(len(own)), latex.integer(own[0]["settings"]["epochs"])]
        for name, (_, write) in COLUMNS.items():
            found = metrics.mean(own, name)
            exact = name not in INTERVALS
            cells.append(write(found.value) if exact else latex.with_interval(found, write))
        lines.append(" & ".join(cells))
    header = ["", "$n$", "epochs", *(title for title, _ in COLUMNS.values())]
    latex.write(out, latex.table("lrrccrrr", header, lines or [latex.LEFT_OUT]))


def trials(results: Path, out: Path) -> None:
    """Every setting tried and its loss, the chosen one in bold."""
    runs = load.runs(results, AUTOENCODER)
    lines = []
    for variant, look in AUTOENCODER.variants.items():
        own = load.of(runs, variant)
        if not own:
            continue
        curves, best = own[0]["curves"], own[0]["metrics"]["trial"]
        cells = [
            _trial(values, excess, number == best)
            for number, (values, excess) in enumerate(
                zip(curves["trial_values"], curves["trial_excess"], strict=True)
            )
        ]
        lines.append(" & ".join([look.label, "; ".join(cells)]))
    columns = r"l>{\raggedright\arraybackslash}p{0.72\textwidth}"
    header = ["method", "values: nats above the floor"]
    table = latex.long_table(columns, header, lines or ["no runs & "], r"\TrialsCaption")
    latex.write(out, table)


def _trial(values: list[float], excess: float | None, bold: bool) -> str:
    text = ", ".join(setting_tables.text(value) for value in values)
    loss = "diverged" if excess is None else latex.fixed(excess, 2)  # a \num is never bold
    return rf"\textbf{{{text}: {loss}}}" if bold else f"{text}: {loss}"


def settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.of_one(results, AUTOENCODER))
