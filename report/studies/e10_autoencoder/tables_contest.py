"""The autoencoder's contest: apart from the other tables, for it is made of claims."""

from pathlib import Path

from report.claims import judge
from report.lib import latex
from report.studies.e10_autoencoder.looks import AUTOENCODER

CONTESTS = {"C9a": "as many epochs", "C9b": "as much work"}
METHODS = ("locoprop_m", "locoprop_s")


def contest(results: Path, out: Path) -> None:
    """LocoProp's training loss minus each first-order method's: claims C9a and C9b."""
    lines = []
    for claim in judge.read()["claims"]:
        if claim["id"] not in CONTESTS:
            continue
        title = f"{CONTESTS[claim['id']]} ({claim['id']})"
        lines.append(rf"\multicolumn{{3}}{{@{{}}l}}{{\emph{{{title}}}}} \\")
        lines += _rows(claim, judge.contests(claim, judge.judge(claim, results)))
    header = ["", *map(AUTOENCODER.label, METHODS)]
    latex.write(out, latex.table("lll", header, lines))


def _rows(claim, contests):
    """A row for each first-order method: difference and verdict, the interval below them."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for variant, pairs in contests.items():
        for criterion, one in pairs:
            above = rf"{latex.loss(one.value)} \emph{{{judge.verdict(criterion, one)}}}"
            cell = above, latex.interval(one, latex.loss)
            found.setdefault(criterion["minus"], {})[variant] = cell
    lines = []
    for other, cells in found.items():
        title = AUTOENCODER.label(other).removesuffix(", long")
        own = [cells.get(method, (latex.NONE, "")) for method in METHODS]
        lines += latex.stacked([(title, ""), *own])
    return lines
