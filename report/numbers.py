"""Every number of the text as a LaTeX macro, and the notice on the first page.

Run by draw.py. A macro is named experiment, variant, metric:
`\\EOneBpTestAccuracy`, with its interval `\\EOneBpTestAccuracyCI`; experiments that share a number
keep their name: `\\EOneZeroMnistAdamTrainLoss`. A verdict is `\\VerdictCOne`, the estimate of a
claim's first criterion `\\ClaimCOneA`; of a criterion against several variants,
`\\ClaimCNineaLocopropMHold` of `...Of` hold. `\\Claims` and `\\ClaimsHold` count them.
"""

import json
import string
from collections.abc import Callable
from pathlib import Path

from report import (
    alphas,
    approximation,
    autoencoders,
    batches,
    claims,
    depth,
    generalisation,
    gradients,
    initialisation,
    latex,
    limits,
    load,
    local_steps,
    mlp,
    peers,
    regularisation,
    scaling,
    stats,
    summary,
    trials,
)
from report.variants import VARIANTS

UNITS = {
    "seconds": r"\,s",
    "milliseconds": r"\,ms",
    "store_megabytes": r"\,MB",
    "disagreement": r"\,\%",
    "disagreement_near": r"\,\%",
}

# Experiments whose numbers are not those of trained networks.
OWN = {
    scaling.EXPERIMENT: scaling.macros,
    local_steps.EXPERIMENT: local_steps.macros,
    gradients.EXPERIMENT: gradients.macros,
    approximation.EXPERIMENT: approximation.macros,
    mlp.EXPERIMENT: mlp.macros,
    depth.EXPERIMENT: depth.macros,
    limits.EXPERIMENT: limits.macros,
    generalisation.TABLES: generalisation.macros,
    generalisation.IMAGES: generalisation.macros,
    regularisation.EXPERIMENT: regularisation.macros,
    initialisation.EXPERIMENT: initialisation.macros,
    batches.EXPERIMENT: batches.macros,
}


def macros(results: Path) -> dict[str, str]:
    """Name and text of every macro but the notice."""
    found = {
        "Resamples": latex.integer(stats.RESAMPLES),
        "Coverage": rf"{stats.COVERAGE}\,\%",
        "NearRadius": str(summary.NEAR),
        **peers.macros(),
    }
    for experiment in VARIANTS:
        runs = load.runs(results, experiment)
        found |= OWN.get(experiment, _experiment)(runs, experiment)
        if experiment in autoencoders.SETS:
            found |= autoencoders.macros(runs, experiment, prefix(experiment))
        if experiment == alphas.EXPERIMENT:
            found |= alphas.macros(runs, prefix(experiment))
        if tried := trials.read(experiment):
            counts = sorted({len(made) for made in tried.values()})
            found[prefix(experiment) + "Trials"] = latex.integer(counts[-1])
    book = claims.read()["claims"]
    outcomes = [claims.judge(claim, results) for claim in book]
    for claim, outcome in zip(book, outcomes, strict=True):
        found |= _claim(claim, outcome)
    return found | _verdicts([outcome.verdict for outcome in outcomes])


def prefix(experiment: str) -> str:
    """What the macros of an experiment begin with: its number, and its name if that is shared."""
    number, _, name = experiment.partition("_")
    alone = sum(other.startswith(f"{number}_") for other in VARIANTS if other not in OWN) == 1
    return "E" + latex.camel(str(int(number[1:]))) + ("" if alone else latex.camel(name))


def _experiment(runs: list[dict], experiment: str) -> dict[str, str]:
    number = prefix(experiment)
    counts = [summary.counts(runs, variant) for variant in VARIANTS[experiment]]
    sizes = sorted({count["runs"] for count in counts} - {0}) or [0]
    found = {
        number + "N": str(sizes[0]) + (f" to {sizes[-1]}" if len(sizes) > 1 else ""),
        number + "Data": ", ".join(dict.fromkeys(_data(run) for run in runs)),
        number + "Lost": str(sum(count["diverged"] for count in counts)),
    }
    for variant, count in zip(VARIANTS[experiment], counts, strict=True):
        own = number + latex.camel(variant)
        for name, estimate in summary.estimates(runs, variant).items():
            write, unit = summary.WRITE[name], UNITS.get(name, "")
            found[own + latex.camel(name)] = write(estimate.value) + unit
            found[own + latex.camel(name) + "CI"] = latex.with_interval(estimate, write) + unit
        found |= {own + latex.camel(name): latex.integer(count[name]) for name in count}
    return found


def _data(run: dict) -> str:
    return rf"\texttt{{{latex.escape(run['settings'].get('dataset', 'moons'))}}}"


def _claim(claim: dict, outcome: claims.Outcome) -> dict[str, str]:
    name = latex.camel(claim["id"])
    verb = "is " if outcome.verdict == claims.OPEN else ""
    found = {"Verdict" + name: verb + outcome.verdict}
    for letter, criterion, estimate in zip(
        string.ascii_uppercase, claim["criteria"], outcome.estimates, strict=False
    ):
        found["Claim" + name + letter] = claims.text(criterion, estimate)
    for variant, pairs in claims.contests(claim, outcome).items():
        verdicts = [claims.verdict(*pair) for pair in pairs]
        own = "Claim" + name + latex.camel(variant)
        found[own + "Hold"] = str(verdicts.count(claims.HOLDS))
        found[own + "Of"] = str(len(verdicts))
        found[own + "Worst"] = claims.text(*claims.worst(pairs))
    return found


def _verdicts(verdicts: list[str]) -> dict[str, str]:
    """How many claims there are, and of each verdict."""
    found = {"Claims": str(len(verdicts))}
    for name, verdict in (("Hold", claims.HOLDS), ("Fail", claims.FAILS), ("Open", claims.OPEN)):
        found["Claims" + name] = str(verdicts.count(verdict))
    return found


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


def build(results: Path, status: Path, out: Path) -> None:
    """Writes numbers.tex of a folder of results and its status.json."""
    state = json.loads(status.read_text(encoding="utf-8"))
    found = macros(results) | current(state) | {"ReportNotice": notice(state)}
    lines = [rf"\newcommand{{\{name}}}{{{text}}}" for name, text in found.items()]
    latex.write(out, "\n".join(lines))
