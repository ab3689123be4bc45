"""`make verify`: recomputes every verdict of claims.toml from the reference results.

Usage: verify.py REFERENCE [FRESH PROFILE]. A verdict that differs from the recorded one ends it
with status 1, and so does a result file that is not what was published. With FRESH results their
means are printed beside the reference's and, when PROFILE is full, have to agree within the
tolerance of each metric.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from report.claims import checksums, judge
from report.lib import load, studies


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 3):
        sys.exit("usage: verify.py REFERENCE [FRESH PROFILE]")
    book = judge.read()
    wrong = verdicts(book, Path(arguments[0])) + published(book, Path(arguments[0]))
    if len(arguments) == 3:
        strict = arguments[2] == "full"
        apart = compare(book["tolerance"], Path(arguments[0]), Path(arguments[1]))
        print(
            f"{apart} of the means lie outside the tolerance." + ("" if strict else " (not full)")
        )
        wrong += apart if strict else 0
    return 1 if wrong else 0


def verdicts(book: dict, reference: Path) -> int:
    """Prints the verdict table; returns how many verdicts contradict the recorded one."""
    print(f"{'claim':<6}{'n':>4}  {'verdict':<15}{'recorded':<15}estimate [95 % interval]")
    wrong = 0
    for claim in book["claims"]:
        outcome, recorded = judge.judge(claim, reference), claim.get("recorded")
        differs = recorded is not None and recorded != outcome.verdict
        wrong += differs
        shown = ", ".join(f"{e.value:.4f} [{e.low:.4f}, {e.high:.4f}]" for e in outcome.estimates)
        print(
            f"{claim['id']:<6}{outcome.n:>4}  {outcome.verdict:<15}{recorded or '-':<15}{shown}"
            + ("   <-- DIFFERS" if differs else "")
        )
        print(f"          {claim['statement']}")
    print(f"{wrong} of {len(book['claims'])} verdicts differ from the recorded ones.")
    return wrong


def published(book: dict, reference: Path) -> int:
    """Prints which files do not have their checksum and the claims that rest on them."""
    found = checksums.wrong(reference)
    for name, words in found.items():
        claims_ = ", ".join(checksums.resting_on(name, book["claims"])) or "none"
        print(f"checksum: {name} {words}; claims that rest on it: {claims_}")
    print(f"{len(found)} result files differ from what was published.")
    return len(found)


def compare(tolerance: dict[str, float], reference: Path, fresh: Path) -> int:
    """Prints means of both sets of results; returns how many are missing or too far apart."""
    apart = 0
    for name, experiment in studies.experiments().items():
        pair = [load.runs(folder, experiment, allow_missing=True) for folder in (reference, fresh)]
        for variant in experiment.variants:
            chosen = [load.of(runs, variant) for runs in pair]
            if not any(chosen) and experiment.partial:
                continue
            if not all(chosen):
                print(f"{name}/{variant}: no runs in {reference if chosen[1] else fresh}")
                apart += 1
                continue
            means = [load.metrics(runs).mean(numeric_only=True) for runs in chosen]
            for metric, limit in tolerance.items():
                if metric not in means[0]:
                    continue  # times have no tolerance: they are the machine's
                one, two = means[0][metric], means[1][metric]
                outside = not abs(one - two) <= limit
                apart += outside
                print(
                    f"{name}/{variant}: {metric} {one:.4f} (reference), {two:.4f} (fresh)"
                    + (f"   <-- more than {limit} apart" if outside else "")
                )
    return apart


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
