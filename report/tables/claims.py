"""Every claim with its criterion, n, estimate and verdict."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import claims, latex, load
from report.variants import VARIANTS


def build(results: Path, out: Path) -> None:
    for experiment in VARIANTS:
        load.runs(results, experiment)
    lines = []
    for claim in claims.read()["claims"]:
        outcome = claims.judge(claim, results)
        pairs = zip(claim["criteria"], outcome.estimates, strict=True)
        parts = [_shown(*pair) for pair in pairs if "contest" not in pair[0]]
        for name, contest in claims.contests(claim, outcome).items():
            criterion, estimate = claims.worst(contest)
            own = VARIANTS[criterion["experiment"]][name].label
            parts.append(f"{own}, at worst {claims.text(criterion, estimate)}")
        shown = r" \newline ".join(parts)
        few = outcome.n < outcome.min_n
        count = f"{outcome.n} of {outcome.min_n}" if few else str(outcome.n)
        lines += [
            f"{claim['id']} & {claim['statement']} & {claim['source']} & {claim['criterion']} & "
            rf"{shown} & {count} & \textbf{{{outcome.verdict}}}",
            r"\addlinespace[3pt]",
        ]
    header = ["", "claim", "source", "criterion", "estimate", "$n$", "verdict"]
    columns = (
        r"l>{\raggedright}p{0.245\textwidth}>{\raggedright}p{0.075\textwidth}"
        r">{\raggedright}p{0.26\textwidth}>{\raggedright}p{0.155\textwidth}l"
        r">{\raggedright\arraybackslash}p{0.08\textwidth}"
    )
    latex.write(out, latex.table(columns, header, lines[:-1]))


def _shown(criterion: dict, estimate) -> str:
    """The estimate as it is judged."""
    if "level" in criterion:
        return rf"{latex.percent(estimate.value)}\,\% of runs"
    return claims.text(criterion, estimate)


if __name__ == "__main__":
    load.main(build)
