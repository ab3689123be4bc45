"""The autoencoders' contest: apart from the other tables, for it is made of claims."""

from pathlib import Path

from report.claims import judge
from report.lib import latex
from report.studies.e10_autoencoder.looks import METHODS

CONTESTS = {"C9a": "after as many epochs", "C9b": "after as many seconds"}


def contest(results: Path, out: Path) -> None:
    """LocoProp's training loss on MNIST minus each first-order method's: claims C9a and C9b."""
    columns, titles = [], []
    for claim in judge.read()["claims"]:
        if claim["id"] not in CONTESTS:
            continue
        contests = judge.contests(claim, judge.judge(claim, results))
        for variant, pairs in contests.items():
            titles.append(METHODS[variant].label)
            columns.append({criterion["minus"]: (criterion, one) for criterion, one in pairs})
    lines = []
    for other in columns[0]:
        cells = [METHODS[other].label]
        for column in columns:
            criterion, estimate = column[other]
            cells += [judge.text(criterion, estimate), judge.verdict(criterion, estimate)]
        lines.append(" & ".join(cells))
    heads = [part for title in titles for part in (title, "")]
    header = latex.grouped(CONTESTS.values(), heads)
    latex.write(out, latex.table("l" + "rl" * len(columns), header, lines))
