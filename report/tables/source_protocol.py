"""The source's four figures as they were run, beside the same protocol in this project."""

import tomllib
from pathlib import Path

from report import latex, load, summary
from report.variants import VARIANTS

FILE = Path(__file__).resolve().parents[1] / "source_numbers.toml"


def build(results: Path, out: Path) -> None:
    runs = {experiment: load.runs(results, experiment) for experiment in VARIANTS}
    lines = []
    for figure in tomllib.loads(FILE.read_text(encoding="utf-8"))["figures"].values():
        experiment, variant = figure["variant"]
        found = summary.estimates(runs[experiment], variant)
        count = summary.counts(runs[experiment], variant)
        cells = [
            figure["label"],
            figure["net"].replace("times", r"$\times$"),
            latex.integer(figure["iterations"]),
            latex.significant(figure["per_second"], 3),
            figure["loss"],
            latex.integer(count["iterations"]),
            latex.integer(count["runs"]),
            *(latex.loss(found[name].value) for name in ("relaxed_loss", "train_loss")),
            *(latex.fixed(found[name].value) for name in ("train_accuracy", "test_accuracy")),
        ]
        lines.append(" & ".join(cells))
    groups = r" & \multicolumn{4}{c}{the source} & \multicolumn{6}{c@{}}{this project, means} \\"
    rules = r"\cmidrule(lr){2-5} \cmidrule(l){6-11}"
    header = [
        f"{groups}\n{rules}\nfigure",
        "net as run",
        "iterations",
        "it/s",
        "loss shown",
        "iterations",
        "$n$",
        "relaxed loss",
        "deployed loss",
        "train acc.",
        "test acc.",
    ]
    latex.write(out, latex.table("llrrrrrcccc", header, lines))
