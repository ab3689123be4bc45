"""The strengths of each regulariser and how often held-out rows chose them."""

from pathlib import Path

from report import latex, load, regularisation, tabular

HEADING = "strengths tried (rate where none), and the share that chose each"
OWN = ("method", "regulariser", "image_examples")


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, regularisation.EXPERIMENT)
    names = [regularisation.BASE, *regularisation.variants(runs)]
    titles = {name: regularisation.title(name) for name in names}
    latex.write(out, tabular.trials_table(runs, titles, HEADING, OWN, 0.75))
