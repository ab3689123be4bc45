"""LocoProp's training loss on MNIST minus each first-order method's: claims C9a and C9b."""

from pathlib import Path

from report import claims, latex
from report.variants import label

CLAIMS = {"C9a": "after as many epochs", "C9b": "after as many seconds"}


def build(results: Path, out: Path) -> None:
    columns, titles = [], []
    for claim in claims.read()["claims"]:
        if claim["id"] not in CLAIMS:
            continue
        contests = claims.contests(claim, claims.judge(claim, results))
        for variant, pairs in contests.items():
            titles.append(label(pairs[0][0]["experiment"], variant))
            columns.append({criterion["minus"]: (criterion, one) for criterion, one in pairs})
    lines = []
    for other in columns[0]:
        cells = [label(columns[0][other][0]["experiment"], other)]
        for column in columns:
            criterion, estimate = column[other]
            cells += [claims.text(criterion, estimate), claims.verdict(criterion, estimate)]
        lines.append(" & ".join(cells))
    heads = [part for title in titles for part in (title, "")]
    header = latex.grouped(CLAIMS.values(), heads)
    latex.write(out, latex.table("l" + "rl" * len(columns), header, lines))
