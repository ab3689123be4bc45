"""Settings as tables and macros: what an experiment's variants share, and where they differ."""

import json
from collections import Counter
from pathlib import Path

from experiments.driver import profiles
from report.lib import latex, load
from report.lib.looks import Experiment
from report.lib.sources import ROOT


def table(results: Path, experiment: Experiment) -> str:
    """One column per variant for the settings that differ; the shared ones in the last row."""
    runs = load.runs(results, experiment)
    values = {variant: _settings(load.of(runs, variant)) for variant in experiment.variants}
    names = sorted({name for settings in values.values() for name in settings})
    lines, shared = [], {}
    for name in names:
        cells = [settings.get(name, latex.NONE) for settings in values.values()]
        if len(set(cells)) == 1:
            shared[name] = cells[0]
        else:
            lines.append(" & ".join([latex.escape(name), *cells]))
    lines += common(shared, len(values) + 1)
    header = ["", *map(experiment.label, values)]
    return latex.table("l" + "l" * len(values), header, lines)


def macros(runs: list[dict], experiment: Experiment) -> dict[str, str]:
    """`\\EOneFourSetEpochs` and so on: settings that all runs of an experiment share.

    Those that differ, and all without any run, are dashes: every profile has the same macros.
    """
    study, _ = profiles.read(ROOT)[experiment.name]
    found = {}
    for name in profiles.script_settings(study / "experiment.py"):
        values = [run["settings"].get(name) for run in runs]
        same = bool(values) and all(value == values[0] for value in values)
        macro = latex.prefix(experiment) + "Set" + latex.camel(name)
        found[macro] = _in_text(values[0]) if same else latex.NONE
    return found


def _in_text(value: object) -> str:
    """A setting as it is printed in a sentence: numbers with their thousands grouped."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return rf"\num{{{value}}}" if number else text(value)


def common(shared: dict[str, str], width: int, who: str = "All") -> list[str]:
    """The last row, across `width` columns: settings as text that all other rows have."""
    words = "; ".join(f"{latex.escape(name)} = {value}" for name, value in shared.items())
    row = rf"\multicolumn{{{width}}}{{@{{}}p{{0.97\textwidth}}@{{}}}}"
    return [r"\midrule", row + rf"{{\raggedright {who}: {words}.}} \\"]


def _settings(runs: list[dict]) -> dict[str, str]:
    """A variant's settings as text; one that is not the same in all of its runs reads `varies`."""
    found = {}
    for name in {name for run in runs for name in run["settings"]}:
        texts = {text(run["settings"].get(name)) for run in runs}
        found[name] = texts.pop() if len(texts) == 1 else "varies"
    return found


def text(value: object) -> str:
    """A setting as it is printed."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and len(value) > 4 and len(set(map(str, value))) == 1:
        return rf"{len(value)} $\times$ {text(value[0])}"
    if isinstance(value, list):
        return "(" + ", ".join(text(item) for item in value) + ")"
    if isinstance(value, dict):
        return ", ".join(f"{latex.escape(key)} {text(item)}" for key, item in value.items())
    return latex.escape(value if isinstance(value, str) else json.dumps(value))


def by_row(
    found: dict[Experiment, list[dict]], titles: dict[Experiment, str], first: tuple[str, ...]
) -> str:
    """One row per variant, one column per experiment, for experiments with the same variants.

    What most of them have stands in the last row.

    Args:
        found: runs by experiment.
        titles: headings by experiment.
        first: settings that belong to the experiment, not to the variant: its first row, if any.
    """
    values = {
        (experiment, variant): _settings(load.of(runs, variant))
        for experiment, runs in found.items()
        for variant in experiment.variants
        if load.of(runs, variant)
    }
    names = sorted({name for one in values.values() for name in one} - {*first})
    usual = {name: _usual([one.get(name, latex.NONE) for one in values.values()]) for name in names}
    of_all = ["all", *(_first(values, experiment, first) for experiment in found)]
    lines = [" & ".join(of_all)] if first else []
    for variant in dict.fromkeys(variant for _, variant in values):
        cells = [next(e.label(variant) for e in found if (e, variant) in values)]
        for experiment in found:
            own = values.get((experiment, variant), {})
            chosen = [name for name in names if name in own and own[name] != usual[name]]
            words = [f"{latex.escape(name)} {own[name]}" for name in chosen]
            cells.append(", ".join(words) or latex.NONE)
        lines.append(" & ".join(cells))
    shared = {name: value for name, value in usual.items() if value}
    lines += common(shared, len(found) + 1, "Where a row does not say otherwise")
    columns = rf">{{\raggedright\arraybackslash}}p{{{0.84 / max(1, len(found)):.3f}\textwidth}}"
    return latex.table("l" + columns * len(found), ["", *(titles[e] for e in found)], lines)


def of_one(results: Path, experiment: Experiment, first: tuple[str, ...] = ()) -> str:
    """`by_row` of a single experiment."""
    runs = load.runs(results, experiment)
    if not runs:
        return latex.LEFT_OUT
    return by_row({experiment: runs}, {experiment: "settings"}, first)


def _usual(values: list[str]) -> str | None:
    """The value that more than half of the variants have; none, if there is no such one."""
    value, count = Counter(values).most_common(1)[0]
    return value if 2 * count > len(values) else None


def _first(values: dict, experiment: Experiment, names: tuple[str, ...]) -> str:
    own = next(one for (other, _), one in values.items() if other is experiment)
    return ", ".join(f"{latex.escape(name)} {own[name]}" for name in names if name in own)
