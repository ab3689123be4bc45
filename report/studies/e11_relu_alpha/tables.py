"""Settings of the learned ReLU, its alphas by penalty weight and over all weights."""

from pathlib import Path

from report.lib import latex, load, setting_tables, stats
from report.studies.e11_relu_alpha import alphas
from report.studies.e11_relu_alpha.looks import EXPERIMENT, PROTOCOLS

COLUMNS = {
    "test_accuracy": ("test accuracy", latex.fixed),
    "zero_share": (r"at zero (\%)", latex.percent),
    "between_share": (r"between (\%)", latex.percent),
    "third_at_one": (r"third at one (\%)", latex.percent),
    "zero_rank_correlation": (r"$\rho(\lambda,\text{zero})$", latex.fixed),
    "start_rank_correlation": (r"$\rho(\text{start},\text{end})$", latex.fixed),
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
    """Per cent of alphas at zero by penalty weight, the source's and ours, and accuracies."""
    runs = load.runs(results, EXPERIMENT)
    variants = [variant for variant in PROTOCOLS if load.of(runs, variant)]
    ours = {variant: alphas.shares(runs, variant) for variant in variants}
    accuracy = {variant: alphas.by_run(runs, variant, "test_accuracy") for variant in variants}
    lines = []
    for weight, theirs in alphas.source().items():
        cells = [(latex.fixed(weight), ""), (latex.percent(theirs), "")]
        for variant in variants:
            share = ours[variant].get(weight, stats.mean([]))
            cells.append((latex.percent(share.value), latex.interval(share, latex.percent)))
        for variant in variants:
            found = accuracy[variant].get(weight, [])
            estimate = stats.mean(found)
            cells.append((latex.fixed(estimate.value), latex.interval(estimate, latex.fixed)))
        lines += [*latex.stacked(cells), r"\addlinespace[1pt]"]
    count = len(variants)
    header = [r"$\lambda$", "source", *[*map(EXPERIMENT.label, variants)] * 2]
    if variants:
        groups = rf" & & \multicolumn{{{count}}}{{c}}{{alphas at zero (\%)}} & "
        groups += rf"\multicolumn{{{count}}}{{c@{{}}}}{{test accuracy}} \\"
        rules = rf"\cmidrule(lr){{3-{2 + count}}} \cmidrule(l){{{3 + count}-{2 + 2 * count}}}"
        header[0] = f"{groups}\n{rules}\n{header[0]}"
    latex.write(out, latex.table("rr" + "c" * 2 * count, header, lines[:-1]))


def summary(results: Path, out: Path) -> None:
    """What the alphas of each protocol did, over all penalty weights."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for variant in EXPERIMENT.variants:
        chosen = load.of(runs, variant)
        if not chosen:
            continue
        frame = load.metrics(chosen)
        cells = [(EXPERIMENT.label(variant), ""), (latex.integer(len(chosen)), "")]
        steps = latex.integer(frame["iterations"].max())
        cells += [(latex.integer(len(chosen[0]["curves"]["weight"])), ""), (steps, "")]
        for metric, (_, write) in COLUMNS.items():
            estimate = stats.mean(frame[metric])
            cells.append((write(estimate.value), latex.interval(estimate, write)))
        rank = alphas.correlation(runs, variant)
        cells.append((latex.fixed(rank.value), latex.interval(rank, latex.fixed)))
        found, of = len(alphas.inside(runs, variant)), len(alphas.distances(runs, variant))
        cells.append((f"{found} of {of}" if len(chosen) > 1 else latex.NONE, ""))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    names = [name for name, _ in COLUMNS.values()]
    header = ["", "$n$", "nets", "steps", *names, r"$\rho(\text{source})$", "inside"]
    body = lines[:-1] or [latex.LEFT_OUT]
    latex.write(out, latex.table("lrrr" + "c" * (len(COLUMNS) + 2), header, body))
