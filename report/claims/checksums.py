"""Holds the reference results against their committed checksums, for `make verify`."""

import hashlib
from pathlib import Path

from report.claims import judge

FILE = "SHA256SUMS"
UPDATE = "python -m experiments.run publish"


def wrong(reference: Path) -> dict[str, str]:
    """What is wrong with result files, by path below the reference.

    A file must have the checksum that was written when it was published, and every file one line.
    """
    file, said = reference / FILE, {}
    if not file.exists():
        return {FILE: f"is missing: `{UPDATE}` writes it"}
    for line in file.read_text(encoding="utf-8").splitlines():
        checksum, _, name = line.partition("  ")
        if name in said:
            said[name] = "is listed twice"
        elif not (reference / name).is_file():
            said[name] = "is missing"
        else:
            same = hashlib.sha256((reference / name).read_bytes()).hexdigest() == checksum
            said[name] = "" if same else "is not what was published"
    for path in reference.glob("*/*/seed-*.json"):
        said.setdefault(path.relative_to(reference).as_posix(), f"has no checksum: `{UPDATE}`")
    return {name: words for name, words in sorted(said.items()) if words}


def resting_on(name: str, claims: list[dict]) -> list[str]:
    """Ids of the claims whose verdict reads a result file."""
    experiment, variant = name.split("/")[:2] if name.count("/") > 1 else ("", "")
    return [
        claim["id"]
        for claim in claims
        if any(
            experiment in judge.experiments(one) and variant in (one["variant"], one.get("minus"))
            for one in claim["criteria"]
        )
    ]
