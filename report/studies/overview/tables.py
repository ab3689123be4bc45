"""The comparison with other packages, and the source's figures."""

import tomllib
from pathlib import Path

from report.lib import latex, load, studies, summaries
from report.studies.overview import packages

SOURCE = Path(__file__).with_name("source_numbers.toml")


def peers(results: Path, out: Path) -> None:
    """One step with inferred targets in raikeras and in other packages."""
    found = packages.read()
    depths = [f"{depth} layers" for depth in found["rows"]]
    header = latex.grouped(depths, ["ms", "ratio", "compile (s)"] * len(depths))
    latex.write(out, latex.table("l" + "rcr" * len(depths), header, packages.times(found)))


def peers_can(results: Path, out: Path) -> None:
    """What other packages with inferred targets can do."""
    found = packages.read()
    header = ["", "version", *map(latex.escape, found["columns"])]
    latex.write(out, latex.table("l" * len(header), header, packages.abilities(found)))


def source_protocol(results: Path, out: Path) -> None:
    """The source's four figures as they were run, beside the same protocol in this project."""
    known = studies.experiments()
    runs = {name: load.runs(results, experiment) for name, experiment in known.items()}
    lines = []
    for figure in tomllib.loads(SOURCE.read_text(encoding="utf-8"))["figures"].values():
        experiment, variant = figure["variant"]
        found = summaries.estimates(runs[experiment], variant)
        count = summaries.counts(runs[experiment], variant)
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
