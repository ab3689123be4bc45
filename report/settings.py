"""Settings tables: what differs between the variants of an experiment, and what they share."""

import json
from pathlib import Path

from report import latex, load
from report.variants import VARIANTS


def table(results: Path, experiment: str) -> str:
    """One column per variant for the settings that differ; the shared ones in the last row."""
    runs = load.runs(results, experiment)
    values = {variant: _settings(load.of(runs, variant)) for variant in VARIANTS[experiment]}
    names = sorted({name for settings in values.values() for name in settings})
    lines, shared = [], []
    for name in names:
        cells = [settings.get(name, latex.NONE) for settings in values.values()]
        if len(set(cells)) == 1:
            shared.append(f"{latex.escape(name)} = {cells[0]}")
        else:
            lines.append(" & ".join([latex.escape(name), *cells]))
    width = len(values) + 1
    lines += [
        r"\midrule",
        rf"\multicolumn{{{width}}}{{@{{}}p{{0.97\textwidth}}@{{}}}}"
        rf"{{\raggedright All: {'; '.join(shared)}.}}",
    ]
    lines[-1] = lines[-1] + r" \\"
    header = ["", *(VARIANTS[experiment][variant].label for variant in values)]
    return latex.table("l" + "l" * len(values), header, lines)


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
