"""Initialisations, update rules, second order and the settings of all topics."""

from collections import Counter
from pathlib import Path

from report.lib import latex, load, setting_tables
from report.studies.e12_mlp import topics
from report.studies.e12_mlp.looks import EXPERIMENT, METHODS, RULES, STARTS


def curvature(results: Path, out: Path) -> None:
    """First and second order on a small net: iterations and cost until the gradient is short."""
    columns = {"reached_share": "reached", "iterations": "iterations", "evaluations": "cost"}
    latex.write(out, _table(results, METHODS, {"second_order": ""}, columns, [*columns][1:]))


def rules(results: Path, out: Path) -> None:
    """The rules, tuned alike: steps to the loss fixed beforehand, in mini and full batches."""
    groups = {"rules": "mini-batches", "rules_full": "full batches"}
    columns = {"rate": "rate", "steps": "steps", "ratio": "ratio"}
    columns |= {"test_accuracy": "test accuracy"}
    latex.write(out, _table(results, RULES, groups, columns, [*columns][1:], "2pt"))


def starts(results: Path, out: Path) -> None:
    """Initialisations on the digits: do hidden units part, and what comes of it."""
    columns = {"rate": "rate", "spread": "spread", "train_loss": "training loss"}
    columns |= {"test_accuracy": "test accuracy"}
    latex.write(out, _table(results, STARTS, {"starts": ""}, columns, ["test_accuracy"]))


def _table(
    results: Path,
    rows: dict[str, str],
    groups: dict[str, str],
    columns: dict[str, str],
    bounded: list[str],
    space: str = "1pt",
) -> str:
    """Metrics that are named by what stands in a row and by a quantity, such as `adam_steps`.

    Args:
        results: results folder.
        rows: labels of the rows.
        groups: variants side by side and what stands over each; nothing over a single one.
        columns: headings of the quantities.
        bounded: quantities that are shown with their intervals.
        space: between the rows.
    """
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for row, label in rows.items():
        cells = [(label, "")]
        for variant in groups:
            cells += [_cell(runs, variant, f"{row}_{name}", name in bounded) for name in columns]
        lines += [*latex.stacked(cells), rf"\addlinespace[{space}]"]
    names = [*columns.values()] * len(groups)
    header = latex.grouped(groups.values(), names) if len(groups) > 1 else ["", *names]
    return latex.table("l" + "c" * len(names), header, lines[:-1])


def _cell(runs: list[dict], variant: str, name: str, bounded: bool) -> tuple[str, str]:
    """Value and, if wanted, interval of a metric, as the tables' rows stack them."""
    found, form = topics.estimate(runs, variant, name), topics.write(name)
    equal = name.endswith("_spread") and found.value == 0  # exactly: no rounding parts the units
    return "0" if equal else form(found.value), latex.interval(found, form) if bounded else ""


def settings(results: Path, out: Path) -> None:
    """What each topic has of its own; the rest is common."""
    runs = load.runs(results, EXPERIMENT)
    found = {variant: load.of(runs, variant)[0]["settings"] for variant in EXPERIMENT.variants}
    names = [name for name in next(iter(found.values())) if name != "topic"]
    texts = {
        variant: {name: setting_tables.text(own.get(name)) for name in names}
        for variant, own in found.items()
    }
    usual = {name: _most([own[name] for own in texts.values()]) for name in names}
    lines = []
    for variant, own in texts.items():
        words = [f"{latex.escape(name)} {own[name]}" for name in names if own[name] != usual[name]]
        label = EXPERIMENT.label(variant)
        lines.append(f"{label} & {', '.join(words) or latex.NONE}")
    shared = [f"{latex.escape(name)} = {value}" for name, value in usual.items()]
    lines += [r"\midrule", f"others & {'; '.join(shared)}"]
    columns = r"l>{\raggedright\arraybackslash}p{0.84\textwidth}"
    latex.write(out, latex.table(columns, ["topic", "settings"], lines))


def _most(values: list[str]) -> str:
    """The value that most topics have."""
    return Counter(values).most_common(1)[0][0]
