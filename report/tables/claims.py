"""Every claim with its criterion, n, estimate and verdict: as many floats as fill their pages."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import claims, latex, load
from report.variants import VARIANTS

FEW = 3  # estimates of a claim that are all shown; of more, the worst
PAGE = 56  # lines of a page that a float may fill
# Columns of text: share of the page's width, and letters that fit into a line.
WIDTHS = {"claim": (0.245, 34), "source": (0.075, 10), "criterion": (0.26, 37)}
WIDTHS |= {"estimate": (0.155, 22)}


def build(results: Path, out: Path) -> None:
    for experiment in VARIANTS:
        load.runs(results, experiment)
    rows = [_row(claim, results) for claim in claims.read()["claims"]]
    heights = [_height(row) for row in rows]
    count = math.ceil(sum(heights) / PAGE)
    floats, filled = [[] for _ in range(count)], 0.0
    for row, height in zip(rows, heights, strict=True):
        floats[int(count * (filled + height / 2) / sum(heights))].append(row)
        filled += height
    latex.write(out, "\n".join(_float(rows, number) for number, rows in enumerate(floats)))


def _row(claim: dict, results: Path) -> list[str]:
    """The cells of a claim."""
    outcome = claims.judge(claim, results)
    pairs = zip(claim["criteria"], outcome.estimates, strict=True)
    pairs = [pair for pair in pairs if "contest" not in pair[0]]
    parts = [_shown(*pair) for pair in pairs]
    if len(pairs) > FEW:
        parts = [f"{len(pairs)} estimates, at worst {_shown(*claims.worst(pairs))}"]
    for name, contest in claims.contests(claim, outcome).items():
        criterion, estimate = claims.worst(contest)
        own = VARIANTS[criterion["experiment"]][name].label
        parts.append(f"{own}, at worst {claims.text(criterion, estimate)}")
    shown = r" \newline ".join(parts)
    few = outcome.n < outcome.min_n
    count = f"{outcome.n} of {outcome.min_n}" if few else str(outcome.n)
    words = [claim[name] for name in ("id", "statement", "source", "criterion")]
    return [*words, shown, count, rf"\textbf{{{outcome.verdict}}}"]


def _height(row: list[str]) -> float:
    """About how many lines a row takes, the space below it included."""
    lines = [
        sum(math.ceil(len(part) / letters) for part in cell.split(r"\newline"))
        for cell, (_, letters) in zip(row[1:5], WIDTHS.values(), strict=True)
    ]
    return max(lines) + 0.3


def _float(rows: list[list[str]], number: int) -> str:
    """One float; those after the first continue it. Words of the caption are the section's."""
    texts = "".join(rf">{{\raggedright}}p{{{share}\textwidth}}" for share, _ in WIDTHS.values())
    columns = rf"l{texts}l>{{\raggedright\arraybackslash}}p{{0.08\textwidth}}"
    lines = [line for row in rows for line in (" & ".join(row), r"\addlinespace[3pt]")]
    header = ["", *WIDTHS, "$n$", "verdict"]
    caption = r"\ContinuedFloat\caption{The claims, continued.}"
    caption = caption if number else r"\caption{\LedgerCaption}"
    begin = r"\begin{table*}\centering\footnotesize\setlength{\tabcolsep}{4pt}"
    body = latex.table(columns, header, lines[:-1])
    return "\n".join([begin, caption, body, r"\end{table*}"])


def _shown(criterion: dict, estimate) -> str:
    """The estimate as it is judged."""
    if "level" in criterion:
        return rf"{latex.percent(estimate.value)}\,\% of runs"
    return claims.text(criterion, estimate)


if __name__ == "__main__":
    load.main(build)
