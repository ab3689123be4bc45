"""numbers.tex, every number of the text as a LaTeX macro: put together from the studies' parts.

A macro is named experiment, variant, metric: `\\EOneBpTestAccuracy`, with its interval
`\\EOneBpTestAccuracyCI`; a named experiment's carry its name: `\\EOneZeroMnistAdamTrainLoss`.
"""

import json
from pathlib import Path

from report.lib import latex, notice
from report.lib.errors import ReportError


def write_part(found: dict[str, str], out: Path) -> None:
    """Writes the macros of one study."""
    out.write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")


def join(parts: list[Path], status: Path, out: Path) -> None:
    """Writes numbers.tex.

    Raises:
        ReportError: two parts, or a part and status.json, define the same macro.
    """
    texts: dict[str, str] = {}
    origin: dict[str, Path] = {}
    for file in [*parts, status]:
        found = json.loads(file.read_text(encoding="utf-8"))
        for name, text in (notice.macros(found) if file == status else found).items():
            if name in origin:
                raise ReportError(
                    rf"A macro must have one study that defines it. Received: \{name} of "
                    f"{origin[name].stem} and of {file.stem}. Experiments that share a number have "
                    "to be named: see Experiment in report/lib/looks.py."
                )
            texts[name], origin[name] = text, file
    lines = [rf"\newcommand{{\{name}}}{{{text}}}" for name, text in texts.items()]
    latex.write(out, "\n".join(lines))
