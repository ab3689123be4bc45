"""Settings and results on mini-batches, and the search for the settings."""

from pathlib import Path

from report.lib import latex, search, setting_tables, summaries
from report.lib.setting_tables import text
from report.studies.e07_minibatch.looks import EXPERIMENT
from report.studies.e07_minibatch.tried import TRIALS

COLUMNS = {
    "train_accuracy": "train acc.",
    "test_accuracy": "test acc.",
    "train_loss": "deployed loss",
    "deployment_gap": "gap",
    "seconds": "time (s)",
    "milliseconds": "per step (ms)",
}


def settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.table(results, EXPERIMENT))


def summary(results: Path, out: Path) -> None:
    latex.write(out, summaries.table(results, EXPERIMENT, COLUMNS))


def trials(results: Path, out: Path) -> None:
    """Every trial of the search for the settings, the chosen ones marked."""
    lines = []
    for variant, tried in search.read(TRIALS).items():
        common = set.intersection(*(set(_items(one)) for one in tried))
        best = search.best(tried)
        for number, one in enumerate(tried):
            own = [f"{name} {value}" for name, value in _items(one) if (name, value) not in common]
            accuracy = latex.fixed(one["accuracy"]) if one["accuracy"] >= 0 else "diverged"
            cells = [
                EXPERIMENT.label(variant) if not number else "",
                ", ".join(own),
                rf"\textbf{{{accuracy}}}" if one is best else accuracy,
            ]
            lines.append(" & ".join(cells))
        lines.append(r"\addlinespace[2pt]")
    header = ["", "what the trials differ in", "accuracy"]
    latex.write(out, latex.table("llc", header, lines[:-1]))


def _items(trial: dict) -> list[tuple[str, str]]:
    return [(latex.escape(name), text(value)) for name, value in trial["settings"].items()]
