"""Settings of the learned ReLU, its alphas by penalty weight and over all weights."""

from pathlib import Path

from report.lib import latex, load, setting_tables, stats
from report.studies.e11_relu_alpha import alphas
from report.studies.e11_relu_alpha.looks import EXPERIMENT

COLUMNS = {
    "test_accuracy": ("test accuracy", latex.fixed),
    "zero_share": (r"alphas at zero (\%)", latex.percent),
    "between_share": (r"alphas between (\%)", latex.percent),
    "third_at_one": (r"third layer at one (\%)", latex.percent),
    "zero_rank_correlation": (r"$\rho$ of $\lambda$ and share at zero", latex.fixed),
    "start_rank_correlation": (r"$\rho$ of first and last alphas", latex.fixed),
}


def settings(results: Path, out: Path) -> None:
    """Of the variants; long lists of penalty weights by their ends."""
    table = setting_tables.table(results, EXPERIMENT)
    for run in load.runs(results, EXPERIMENT):
        weights = run["settings"]["weights"]
        if len(weights) > 4:
            short = f"{len(weights)}, from {min(weights)} to {max(weights)}"
            table = table.replace(setting_tables.text(weights), short)
    latex.write(out, table)


def shares(results: Path, out: Path) -> None:
    """By penalty weight per cent of alphas at zero, the source's and ours, and accuracies."""
    runs = load.runs(results, EXPERIMENT)
    variants = [variant for variant in ("code", "document") if load.of(runs, variant)]
    ours = {variant: alphas.shares(runs, variant) for variant in variants}
    accuracy = {variant: alphas.by_run(runs, variant, "test_accuracy") for variant in variants}
    lines = []
    for weight, theirs in alphas.source().items():
        cells = [(latex.fixed(weight), ""), (latex.percent(theirs), "")]
        for variant in variants:
            share = ours[variant].get(weight, stats.mean([]))
            cells.append((latex.percent(share.value), latex.interval(share, latex.percent)))
        for variant in variants:
            estimate = stats.mean(accuracy[variant].get(weight, []))
            cells.append((latex.fixed(estimate.value), latex.interval(estimate, latex.fixed)))
        lines += [*latex.stacked(cells), r"\addlinespace[1pt]"]
    count = len(variants)
    header = [r"$\lambda$", "source", *[*map(EXPERIMENT.label, variants)] * 2]
    if variants:
        groups = rf" & \multicolumn{{{1 + count}}}{{c}}{{alphas at zero (\%)}} & "
        groups += rf"\multicolumn{{{count}}}{{c@{{}}}}{{test accuracy}} \\"
        rules = rf"\cmidrule(lr){{2-{2 + count}}} \cmidrule(l){{{3 + count}-{2 + 2 * count}}}"
        header[0] = f"{groups}\n{rules}\n{header[0]}"
    latex.write(out, latex.table(r"r@{\;\,}r" + r"c@{\;\,}" * 2 * count, header, lines[:-1]))


def summary(results: Path, out: Path) -> None:
    """What the alphas of each protocol did, over all penalty weights: a column for each."""
    runs = load.runs(results, EXPERIMENT)
    variants = [variant for variant in EXPERIMENT.variants if load.of(runs, variant)]
    columns = [_column(runs, variant) for variant in variants]
    lines = []
    for row in zip(*columns, strict=True):
        (title, _), *_ = row
        lines += latex.stacked([(title, ""), *(cell for _, cell in row)])
    titles = [EXPERIMENT.label(variant).replace(", ", r",\\ ") for variant in variants]
    two_lines = r"\begin{tabular}[b]{@{}c@{}}%s\end{tabular}"
    header = ["", *(two_lines % title for title in titles)]
    body = [line for line in lines if line.strip(" &")]
    latex.write(out, latex.table("l" + "c" * len(columns), header, body or [latex.LEFT_OUT]))


def _column(runs: list[dict], variant: str) -> list[tuple[str, tuple[str, str]]]:
    """Titles and cells of one protocol, each cell a value and what stands below it."""
    chosen = load.of(runs, variant)
    frame = load.metrics(chosen)
    rows = [
        ("runs $n$", (latex.integer(len(chosen)), "")),
        ("networks of a run", (latex.integer(len(chosen[0]["curves"]["weight"])), "")),
        ("steps", (latex.integer(frame["iterations"].max()), "")),
    ]
    for metric, (title, write) in COLUMNS.items():
        estimate = stats.mean(frame[metric])
        rows.append((title, (write(estimate.value), latex.interval(estimate, write))))
    rank = alphas.correlation(runs, variant)
    cell = latex.fixed(rank.value), latex.interval(rank, latex.fixed)
    rows.append((r"$\rho$ of shares with source's", cell))
    found, of = len(alphas.inside(runs, variant)), len(alphas.distances(runs, variant))
    rows.append(("inside", (f"{found} of {of}" if len(chosen) > 1 else latex.NONE, "")))
    return rows
