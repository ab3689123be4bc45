"""The numbers that span the studies: verdicts, sizes of the comparison with other packages.

A verdict is `\\VerdictCOne`, the estimate of a claim's first criterion `\\ClaimCOneA`; of a
criterion against several variants, `\\ClaimCNineaLocopropMHold` of `...Of` hold. `\\AskedEOneA`
is a criterion's bound. `\\Claims` and `\\ClaimsHold` count them.
`\\EOneEightMultipliersSetBatchSize` is a setting that all runs of an experiment share, so that no
protocol's number is typed.
"""

import string
from pathlib import Path

from report.claims import judge
from report.lib import latex, load, setting_tables, stats, studies, summaries
from report.studies.overview import packages


def macros(results: Path) -> dict[str, str]:
    found = {
        "Resamples": latex.integer(stats.RESAMPLES),
        "Coverage": rf"{stats.COVERAGE}\,\%",
        "NearRadius": str(summaries.NEAR),
        **_packages(),
    }
    hours = 0.0
    for experiment in studies.experiments().values():
        runs = load.runs(results, experiment, allow_missing=True)
        found |= setting_tables.macros(runs, experiment)
        hours += sum(run["provenance"]["wall_seconds"] for run in runs) / 3600
    found["ComputingHours"] = latex.significant(hours)
    book = judge.read()["claims"]
    outcomes = [judge.judge(claim, results) for claim in book]
    for claim, outcome in zip(book, outcomes, strict=True):
        found |= _claim(claim, outcome)
    return found | _verdicts([outcome.verdict for outcome in outcomes])


def _claim(claim: dict, outcome: judge.Outcome) -> dict[str, str]:
    name = latex.camel(claim["id"])
    found = {"Verdict" + name: outcome.verdict}
    for letter, criterion, estimate in zip(
        string.ascii_uppercase, claim["criteria"], outcome.estimates, strict=False
    ):
        found["Claim" + name + letter] = judge.text(criterion, estimate)
        found["Asked" + name + letter] = f"{criterion.get('at_least', criterion.get('at_most')):g}"
    for variant, pairs in judge.contests(claim, outcome).items():
        verdicts = [judge.verdict(*pair) for pair in pairs]
        own = "Claim" + name + latex.camel(variant)
        found[own + "Hold"] = str(verdicts.count(judge.HOLDS))
        found[own + "Of"] = str(len(verdicts))
        found[own + "Worst"] = judge.text(*judge.worst(pairs))
    return found


def _verdicts(verdicts: list[str]) -> dict[str, str]:
    """How many claims there are, and of each verdict."""
    found = {"Claims": str(len(verdicts))}
    for name, verdict in (("Hold", judge.HOLDS), ("Fail", judge.FAILS), ("Open", judge.OPEN)):
        found["Claims" + name] = str(verdicts.count(verdict))
    return found


def _packages() -> dict[str, str]:
    """Sizes of the comparison, and where it was made."""
    found = packages.read()
    sizes = {name: latex.integer(found[name]) for name in ("steps", "units", "examples", "rounds")}
    return {
        **{f"Peers{name.capitalize()}": value for name, value in sizes.items()},
        "PeersMachine": latex.escape(found["machine"]),
        "PeersCommit": latex.escape(found["commit"]),
        "PeersDay": latex.escape(found["when"][:10]),
    }
