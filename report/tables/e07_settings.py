"""Settings of the variants of the mini-batch experiment."""

from pathlib import Path

from report import latex, settings


def build(results: Path, out: Path) -> None:
    latex.write(out, settings.table(results, "e07_minibatch"))
