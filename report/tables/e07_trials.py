"""The search for the settings of the mini-batch experiment: every trial, the chosen ones marked."""

from pathlib import Path

from report import latex, trials
from report.settings import text
from report.variants import label

EXPERIMENT = "e07_minibatch"


def build(results: Path, out: Path) -> None:
    lines = []
    for variant, tried in trials.read(EXPERIMENT).items():
        common = set.intersection(*(set(_items(one)) for one in tried))
        best = trials.best(tried)
        for number, one in enumerate(tried):
            own = [f"{name} {value}" for name, value in _items(one) if (name, value) not in common]
            accuracy = latex.fixed(one["accuracy"]) if one["accuracy"] >= 0 else "diverged"
            cells = [
                label(EXPERIMENT, variant) if not number else "",
                ", ".join(own),
                rf"\textbf{{{accuracy}}}" if one is best else accuracy,
            ]
            lines.append(" & ".join(cells))
        lines.append(r"\addlinespace[2pt]")
    header = ["", "what the trials differ in", "accuracy"]
    latex.write(out, latex.table("llc", header, lines[:-1]))


def _items(trial: dict) -> list[tuple[str, str]]:
    return [(latex.escape(name), text(value)) for name, value in trial["settings"].items()]
