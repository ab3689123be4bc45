"""Checksums of the published results as `sha256sum` has them; see `report/claims/checksums.py`."""

import hashlib
from pathlib import Path

from experiments.driver.files import write_if_changed

FILE = "SHA256SUMS"


def update(reference: Path, experiment: str) -> None:
    """Rewrites the lines of one experiment, those of the others as they are; one file a line.

    Args:
        reference: Folder that holds EXPERIMENT/VARIANT/seed-K.json.
        experiment: Its name.
    """
    file = reference / FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [line for line in lines if not line.partition("  ")[2].startswith(f"{experiment}/")]
    made = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(reference).as_posix()}"
        for path in (reference / experiment).glob("*/seed-*.json")
    ]
    lines = sorted({*kept, *made}, key=lambda line: line.partition("  ")[2])
    write_if_changed(file, "\n".join([*lines, ""]) if lines else "")
