"""Settings of the variants of very deep nets."""

from pathlib import Path

from report import depth, latex, settings


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.of_one(results, depth.EXPERIMENT))
