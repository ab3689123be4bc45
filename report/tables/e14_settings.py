"""Settings of the scaling study's variants."""

from pathlib import Path

from report import latex, scaling, settings


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.of_one(results, scaling.EXPERIMENT))
