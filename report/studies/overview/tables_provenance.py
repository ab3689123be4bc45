"""Where the results come from."""

from pathlib import Path

from report.lib import latex, load, studies
from report.lib.looks import Experiment

# What the runs were made on. What all of them share is said once, what differs gets a letter.
MACHINE = ("profile", "device", "processor", "threads", "dtype", "python", "versions")
FEW = 3  # variants or commits that are named; of more, their number
# Columns of text: share of the page's width.
WIDTHS = {"variants": 0.13, "trained": 0.135, "confirmed": 0.165}


def provenance(results: Path, out: Path) -> None:
    """A row for each commit at which runs of an experiment were made."""
    known = sorted(studies.experiments().values(), key=lambda experiment: experiment.name)
    found = {experiment: load.runs(results, experiment) for experiment in known}
    everything = [run for runs in found.values() for run in runs]
    letters = _letters(everything)
    lines = []
    for experiment, runs in found.items():
        rows = [_row(experiment, part, runs, letters) for part in _parts(runs)]
        current = rf"\csname {latex.current(experiment.name)}\endcsname"
        for number, row in enumerate(rows):
            first = [latex.escape(experiment.name), *row, current]
            lines.append(" & ".join(["", *row, ""] if number else first))
        lines += [r"\addlinespace[2pt]"] if rows else []
    lines[-1:] = [r"\midrule", " & ".join(["all", *_total(everything)])]
    lines += [r"\midrule", r"\nopagebreak", *_machines(everything, letters)]
    texts = {name: rf">{{\raggedright}}p{{{share}\textwidth}}" for name, share in WIDTHS.items()}
    columns = f"l{texts['variants']}rll{texts['trained']}{texts['confirmed']}rr"
    header = ["experiment", "variants", "runs", "seeds", "on", "trained", "confirmed"]
    latex.write(
        out,
        latex.long_table(columns, [*header, "min", "current"], lines, r"\OriginCaption"),
    )


def _parts(runs: list[dict]) -> list[list[dict]]:
    """Runs that have the commit, the backend and the machine in common."""
    parts: dict[tuple, list[dict]] = {}
    for run in runs:
        source = run["provenance"]
        names = ("commit", "dirty", "backend", *MACHINE)
        parts.setdefault(tuple(str(source[name]) for name in names), []).append(run)
    return list(parts.values())


def _row(experiment: Experiment, part: list[dict], runs: list[dict], letters: dict) -> list[str]:
    """What a row says of its runs; the experiment's other runs decide how variants are named."""
    source = part[0]["provenance"]
    on = " ".join([latex.escape(source["backend"]), letters[_machine(source)]]).strip()
    again = [run["provenance"]["confirmed"] for run in part if "confirmed" in run["provenance"]]
    kind = ", short" if any(one.get("short") for one in again) else ""
    confirmed = f"{latex.integer(len(again))} by {_origin(again)}{kind}" if again else latex.NONE
    return [
        _variants(experiment, part, runs),
        latex.integer(len(part)),
        _ranges([run["seed"] for run in part]),
        on,
        _origin([run["provenance"] for run in part]),
        confirmed,
        _minutes(part),
    ]


def _total(runs: list[dict]) -> list[str]:
    again = sum("confirmed" in run["provenance"] for run in runs)
    return ["", latex.integer(len(runs)), "", "", "", latex.integer(again), _minutes(runs), ""]


def _minutes(runs: list[dict]) -> str:
    minutes = sum(run["provenance"]["wall_seconds"] for run in runs) / 60
    return latex.integer(minutes) if minutes >= 10 else latex.fixed(minutes, 1)


def _variants(experiment: Experiment, part: list[dict], runs: list[dict]) -> str:
    """Names of a row's variants where there are few, or of the one that it lacks."""
    here, all_ = ({run["variant"] for run in chosen} for chosen in (part, runs))
    names = [name for name in experiment.variants if name in here]
    others = [name for name in experiment.variants if name in all_ - here]
    if len(names) > 1 and not others:
        return f"all {len(names)}"
    if len(names) <= FEW:
        return "; ".join(experiment.label(name) for name in names)
    lacks = f", not {experiment.label(others[0])}" if len(others) == 1 else ""
    return f"{len(names)} of {len(all_)}{lacks}"


def _ranges(numbers: list[int]) -> str:
    """Whole numbers as ranges: 0--2, 5."""
    parts: list[list[int]] = []
    for number in sorted(set(numbers)):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(str(p[0]) if len(p) == 1 else f"{p[0]}--{p[-1]}" for p in parts)


def _origin(sources: list[dict]) -> str:
    """Commits, a star at one with uncommitted changes, and the first and last day."""
    commits = [
        rf"\texttt{{{latex.escape(source['commit'][:7])}}}" + ("*" if source["dirty"] else "")
        for source in sources
    ]
    different = list(dict.fromkeys(commits))
    named = different if len(different) <= FEW else different[: FEW - 1]
    if len(named) < len(different):
        named = [*named, f"{len(different) - len(named)} more"]
    days = sorted({source["utc"][:10] for source in sources})
    last = days[-1][8:] if days[-1][:8] == days[0][:8] else days[-1]
    when = days[0] if len(days) == 1 else f"{days[0]} to {last}"
    return f"{', '.join(named)}, {when}"


def _machine(source: dict) -> tuple:
    return tuple(_text(source[name]) for name in MACHINE)


def _letters(runs: list[dict]) -> dict[tuple, str]:
    """A letter for each machine; none if there is only one."""
    machines = list(dict.fromkeys(_machine(run["provenance"]) for run in runs))
    if len(machines) == 1:
        return {machines[0]: ""}
    return {machine: chr(ord("a") + number) for number, machine in enumerate(machines)}


def _machines(runs: list[dict], letters: dict[tuple, str]) -> list[str]:
    """Rows below the table: what all runs share, then what each machine has of its own."""
    shared = [len(set(texts)) == 1 for texts in zip(*letters, strict=True)]
    rows = [("all runs", True, next(iter(letters)))]
    rows += [(letter, False, machine) for machine, letter in letters.items() if letter]
    lines = []
    for name, common, machine in rows:
        words = [
            text if field == "versions" else f"{field} {text}"
            for field, text, same in zip(MACHINE, machine, shared, strict=True)
            if same == common
        ]
        text = rf"\raggedright {', '.join(words)}"
        lines.append(rf"{name} & \multicolumn{{8}}{{p{{0.8\textwidth}}@{{}}}}{{{text}}}")
    return lines


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{latex.escape(name)} {latex.escape(v)}" for name, v in value.items())
    return latex.escape(value)
