"""Settings of the autoencoders: what each method has of its own on each data set."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import autoencoders, latex, load, settings

NET = ("dataset", "hidden_units", "code_units", "batch_size", "epochs")


def build(results: Path, out: Path) -> None:
    found = autoencoders.present(results)
    titles = {name: autoencoders.title(runs, name) for name, runs in found.items()}
    latex.write(out, settings.by_row(found, titles, NET))


if __name__ == "__main__":
    load.main(build)
