"""The search behind the autoencoders' settings: every trial, the chosen ones in bold."""

from pathlib import Path

from report import autoencoders, latex, trials
from report.settings import text
from report.variants import label


def build(results: Path, out: Path) -> None:
    lines = []
    for experiment, dataset in autoencoders.SETS.items():
        title = autoencoders.TITLES[dataset]
        for number, (variant, tried) in enumerate(trials.read(experiment).items()):
            common = set.intersection(*(set(_items(one)) for one in tried))
            best = trials.best(tried)
            names = [name for name, value in _items(best) if (name, value) not in common]
            cells = [_cell(one, names, bold=one is best) for one in tried]
            own = ", ".join(latex.escape(name) for name in names)
            head = [title if not number else "", label(experiment, variant), own]
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
