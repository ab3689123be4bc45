"""What each topic of e12 has of its own; the rest is common."""

from collections import Counter
from pathlib import Path

from report import latex, load, mlp, settings
from report.variants import VARIANTS


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, mlp.EXPERIMENT)
    found = {variant: load.of(runs, variant)[0]["settings"] for variant in VARIANTS[mlp.EXPERIMENT]}
    names = [name for name in next(iter(found.values())) if name != "topic"]
    texts = {
        variant: {name: settings.text(own.get(name)) for name in names}
        for variant, own in found.items()
    }
    usual = {name: _most([own[name] for own in texts.values()]) for name in names}
    lines = []
    for variant, own in texts.items():
        words = [f"{latex.escape(name)} {own[name]}" for name in names if own[name] != usual[name]]
        label = VARIANTS[mlp.EXPERIMENT][variant].label
        lines.append(f"{label} & {', '.join(words) or latex.NONE}")
    shared = [f"{latex.escape(name)} = {value}" for name, value in usual.items()]
    lines += [r"\midrule", f"others & {'; '.join(shared)}"]
    columns = r"l>{\raggedright\arraybackslash}p{0.84\textwidth}"
    latex.write(out, latex.table(columns, ["topic", "settings"], lines))


def _most(values: list[str]) -> str:
    """The value that most topics have."""
    return Counter(values).most_common(1)[0][0]
