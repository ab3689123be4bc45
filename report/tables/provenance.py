"""Where the results come from: one row per variant, then what all runs have in common."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load
from report.variants import VARIANTS, label

SHARED = ("profile", "backend", "device", "processor", "dtype", "threads", "python", "versions")


def build(results: Path, out: Path) -> None:
    lines, shared = [], {name: [] for name in SHARED}
    for experiment in VARIANTS:
        runs = load.runs(results, experiment)
        if not runs:
            continue
        for variant in VARIANTS[experiment]:
            sources = [run["provenance"] for run in load.of(runs, variant)]
            if not sources:
                continue
            lines.append(_row(experiment, variant, sources))
            for name in SHARED:
                shared[name] += [_text(source.get(name)) for source in sources]
        lines.append(r"\midrule")
    for name, texts in shared.items():
        joined = "; ".join(dict.fromkeys(texts))
        cell = rf"\multicolumn{{7}}{{p{{0.66\textwidth}}@{{}}}}{{\raggedright {joined}}}"
        lines.append(f"{name} & {cell}")
    header = ["experiment", "variant", "runs", "key", "commit", "dirty", "confirmed", "wall (min)"]
    latex.write(out, latex.table("llrllrrr", header, lines))


def _row(experiment: str, variant: str, sources: list[dict]) -> str:
    """Runs, keys, commits, runs from a dirty tree, confirmed runs, total time of a variant."""
    cells = [
        latex.escape(experiment),
        label(experiment, variant),
        latex.integer(len(sources)),
        _distinct(source["key"] for source in sources),
        _distinct(source["commit"] for source in sources),
        latex.integer(sum(bool(source["dirty"]) for source in sources)),
        latex.integer(sum("confirmed" in source for source in sources)),
        latex.significant(sum(source["wall_seconds"] for source in sources) / 60),
    ]
    return " & ".join(cells)


def _distinct(values) -> str:
    """The first eight letters of each distinct value; beyond two, their number."""
    short = list(dict.fromkeys(str(value)[:8] for value in values))
    text = ", ".join(rf"\texttt{{{latex.escape(value)}}}" for value in short[:2])
    return text if len(short) <= 2 else f"{text}, {len(short) - 2} more"


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{latex.escape(name)} {latex.escape(v)}" for name, v in value.items())
    return latex.escape(value)


if __name__ == "__main__":
    load.main(build)
