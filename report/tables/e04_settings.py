"""Settings of the phase diagrams of gain and rate."""

from pathlib import Path

from report import initialisation, latex, settings

FIRST = ("iterations", "wanted")


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.of_one(results, initialisation.EXPERIMENT, FIRST))
