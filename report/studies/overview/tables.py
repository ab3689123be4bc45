"""Tables that span the studies: claims, other packages, the source's figures."""

import tomllib
from pathlib import Path

from report.claims import judge
from report.lib import latex, load, studies, summaries
from report.studies.overview import packages

FEW = 3  # estimates of a claim that are all shown; of more, the worst
# Columns of text and their share of the page's width: these take the fewest lines.
WIDTHS = {"claim": 0.22, "source": 0.075, "criterion": 0.305, "estimate": 0.155}
SOURCE = Path(__file__).with_name("source_numbers.toml")


def claims(results: Path, out: Path) -> None:
    """Every claim with its criterion, n, estimate and verdict: as many pages as they need."""
    for experiment in studies.experiments().values():
        load.runs(results, experiment)
    rows = [_row(claim, results) for claim in judge.read()["claims"]]
    texts = "".join(rf">{{\raggedright}}p{{{share}\textwidth}}" for share in WIDTHS.values())
    columns = rf"l{texts}l>{{\raggedright\arraybackslash}}p{{0.08\textwidth}}"
    lines = [line for row in rows for line in (" & ".join(row), r"\addlinespace[2pt]")]
    header = ["", *WIDTHS, "$n$", "verdict"]
    latex.write(out, latex.long_table(columns, header, lines[:-1], r"\LedgerCaption"))


def _row(claim: dict, results: Path) -> list[str]:
    """The cells of a claim."""
    outcome = judge.judge(claim, results)
    every = zip(claim["criteria"], outcome.estimates, strict=True)
    pairs = [pair for pair in every if "contest" not in pair[0]]
    parts = [_shown(*pair) for pair in pairs]
    if len(pairs) > FEW:
        parts = [f"{len(pairs)} estimates, at worst {_shown(*judge.worst(pairs))}"]
    for name, contest in judge.contests(claim, outcome).items():
        criterion, estimate = judge.worst(contest)
        own = studies.experiments()[criterion["experiment"]].label(name)
        parts.append(f"{own}, at worst {judge.text(criterion, estimate)}")
    shown = r" \newline ".join(parts)
    few = outcome.n < outcome.min_n
    count = f"{outcome.n} of {outcome.min_n}" if few else str(outcome.n)
    words = [claim[name] for name in ("id", "statement", "source", "criterion")]
    return [*words, shown, count, rf"\textbf{{{outcome.verdict}}}"]


def _shown(criterion: dict, estimate) -> str:
    """The estimate as it is judged."""
    if "level" in criterion:
        return rf"{latex.percent(estimate.value)}\,\% of runs"
    return judge.text(criterion, estimate)


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
