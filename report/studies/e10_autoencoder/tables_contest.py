"""The autoencoder's contest: apart from the other tables, for it is made of claims."""

from pathlib import Path

from report.claims import judge
from report.lib import latex
from report.studies.e10_autoencoder.looks import AUTOENCODER

CONTESTS = ("C9a", "C9b")


def contest(results: Path, out: Path) -> None:
    """LocoProp's training loss minus each first-order method's: claims C9a and C9b."""
    lines = []
    for claim in judge.read()["claims"]:
        if claim["id"] not in CONTESTS:
            continue
        for variant, pairs in judge.contests(claim, judge.judge(claim, results)).items():
            for criterion, one in pairs:
                names = (AUTOENCODER.label(variant), AUTOENCODER.label(criterion["minus"]))
                verdict = judge.verdict(criterion, one)
                lines.append(" & ".join([claim["id"], *names, judge.text(criterion, one), verdict]))
    header = ["claim", "method", "minus", "difference", "at most zero"]
    latex.write(out, latex.table("llllr", header, lines))
