"""Settings of the autoencoders: what each method has of its own on each data set."""

from pathlib import Path

from report import autoencoders, latex, settings

NET = ("dataset", "hidden_units", "code_units", "batch_size", "epochs")


def build(results: Path, out: Path) -> None:
    found = autoencoders.present(results)
    titles = {name: autoencoders.title(runs, name) for name, runs in found.items()}
    latex.write(out, settings.by_row(found, titles, NET))
