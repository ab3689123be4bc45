"""The claims and their verdicts."""

from pathlib import Path

import numpy as np

from report.claims import judge
from report.lib import latex, load, stats, studies

FEW = 3  # estimates of a claim that are all shown; of more, the worst
# Columns of text and their share of the page's width: these take the fewest lines.
STATEMENT = 0.47  # of the table in the paper
WIDTHS = {"claim": 0.22, "source": 0.075, "criterion": 0.305, "estimate": 0.155}

# What the paper's own table shows, in the order of its sections; all others are in the ledger.
IN_PAPER = (
    *("P1", "P2", "P3", "P4", "P5"),
    *("C2a", "B1", "C2b", "B2", "RQ3a", "RQ3b", "RQ3d"),
    *("T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8"),
    *("RQ1a", "RQ1b", "RQ1c", "RQ2a", "RQ2b"),
    *("D1", "D2", "D3", "D4a", "D4b", "D5", "D6"),
    *("E1", "E2"),
)


def claims(results: Path, out: Path) -> None:
    """Every claim with its criterion, n, estimate and verdict: as many pages as they need."""
    for experiment in studies.experiments().values():
        load.runs(results, experiment)
    rows = [_row(claim, results) for claim in judge.read()["claims"]]
    texts = "".join(rf">{{\raggedright}}p{{{share}\textwidth}}" for share in WIDTHS.values())
    columns = rf"l{texts}l>{{\raggedright\arraybackslash}}p{{0.08\textwidth}}"
    lines = [line for row in rows for line in (" & ".join(row), r"\addlinespace[2pt]")]
    header = ["", *WIDTHS, "$n$", "verdict"]
    latex.write(out, latex.long_table(columns, header, lines[:-1], r"\LedgerCaption"))


def verdicts(results: Path, out: Path) -> None:
    """Those of the paper's claims: statement, worst estimate, n and verdict."""
    book = {claim["id"]: claim for claim in judge.read()["claims"]}
    lines = []
    for name in IN_PAPER:
        outcome = judge.judge(book[name], results)
        pairs = list(zip(book[name]["criteria"], outcome.estimates, strict=True))
        criterion, estimate = judge.worst(pairs)
        shown = [_shown(criterion, estimate), _bound(criterion), str(estimate.n)]
        lines.append(" & ".join([name, book[name]["statement"], *shown, outcome.verdict]))
    header = ["", "claim", "estimate", "asked", "$n$", "verdict"]
    columns = rf"l>{{\raggedright\arraybackslash}}p{{{STATEMENT}\textwidth}}rlrl"
    latex.write(out, latex.table(columns, header, lines))


def _bound(criterion: dict) -> str:
    """What the whole interval has to meet, in the estimate's units."""
    signs = {"at_least": r"$\ge$", "at_most": r"$\le$"}
    return " ".join(
        f"{sign} {_shown(criterion, stats.Estimate(criterion[name], np.array([]), 1))}"
        for name, sign in signs.items()
        if name in criterion
    )


def _row(claim: dict, results: Path) -> list[str]:
    """The cells of a claim."""
    outcome = judge.judge(claim, results)
    every = zip(claim["criteria"], outcome.estimates, strict=True)
    pairs = [pair for pair in every if "contest" not in pair[0]]
    parts = [_shown(*pair) for pair in pairs]
    if len(pairs) > FEW:
        parts = [f"{len(pairs)} estimates, at worst {_shown(*judge.worst(pairs))}"]
    for name, contest in judge.contests(claim, outcome).items():
        criterion, estimate = judge.worst(contest)
        own = studies.experiments()[criterion["experiment"]].label(name)
        parts.append(f"{own}, at worst {judge.text(criterion, estimate)}")
    shown = r" \newline ".join(parts)
    few = outcome.n < outcome.min_n
    count = f"{outcome.n} of {outcome.min_n}" if few else str(outcome.n)
    words = [claim[name] for name in ("id", "statement", "source", "criterion")]
    return [*words, shown, count, rf"\textbf{{{outcome.verdict}}}"]


def _shown(criterion: dict, estimate) -> str:
    """The estimate as it is judged."""
    if "level" in criterion:
        return rf"{latex.percent(estimate.value)}\,\% of runs"
    return judge.text(criterion, estimate)
