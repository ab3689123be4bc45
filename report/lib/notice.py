"""What status.json says of the results, as macros: how many are current, the notice of page one."""

from collections.abc import Callable

from report.lib import latex


def macros(status: dict) -> dict[str, str]:
    """`\\ReportNotice`, and `\\Current...` of each experiment."""
    return current(status) | {"ReportNotice": notice(status)}


def current(status: dict) -> dict[str, str]:
    """Of each experiment, how many of its runs are there and belong to the present sources."""
    found = {}
    for experiment, entry in status["experiments"].items():
        counts = entry["variants"].values()
        here = sum(one["present"] - one["stale"] for one in counts)
        total = sum(one["expected"] for one in counts)
        shown = "all" if here == total else f"{here} of {total}" if here else "none"
        found[latex.current(experiment)] = shown
    return found


def notice(status: dict) -> str:
    """What the first page has to say about the results; nothing if they are full and fresh."""
    profile, parts = status["profile"], []
    if profile not in ("full", "reference"):
        parts.append(
            rf"Built from profile \texttt{{{latex.escape(profile)}}}: shortened runs that show the "
            r"pipeline, not the result. For the paper's numbers run "
            r"\texttt{make reproduce PROFILE=full}."
        )
    for what, lacks, total in (
        ("Missing", lambda one: one["expected"] - one["present"], "expected"),
        ("Older than their sources", lambda one: one["stale"], "present"),
    ):
        parts += _concerned(what, status["experiments"], lacks, total)
    return rf"\noticebox{{{' '.join(parts)}}}" if parts else ""


def _concerned(what: str, experiments: dict, lacks: Callable, total: str) -> list[str]:
    """One sentence on the experiments of which something is said of all runs, then the variants."""
    whole, parts, runs = [], [], 0
    for experiment, entry in experiments.items():
        counts = entry["variants"]
        found = {name: lacks(one) for name, one in counts.items()}
        if sum(found.values()) and all(n == counts[name][total] for name, n in found.items()):
            whole.append(rf"\texttt{{{latex.escape(experiment)}}}")
            runs += sum(found.values())
            continue
        parts += [
            rf"{what}: {number} of {counts[name][total]} runs of "
            rf"\texttt{{{latex.escape(f'{experiment}/{name}')}}}."
            for name, number in found.items()
            if number > 0
        ]
    first = [f"{what}: all {runs} runs of {', '.join(whole)}."] if whole else []
    return first + parts
