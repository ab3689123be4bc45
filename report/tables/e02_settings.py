"""Settings of the variants of the deep net."""

from pathlib import Path

from report import latex, settings


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.table(results, "e02_deep"))
