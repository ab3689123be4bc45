"""What the alphas of each protocol did, over all penalty weights."""

from pathlib import Path

from report import alphas, latex, load, stats
from report.variants import VARIANTS, label

COLUMNS = {
    "test_accuracy": ("test accuracy", latex.fixed),
    "zero_share": (r"at zero (\%)", latex.percent),
    "between_share": (r"between (\%)", latex.percent),
    "third_at_one": (r"third at one (\%)", latex.percent),
    "zero_rank_correlation": (r"$\rho(\lambda,\text{zero})$", latex.fixed),
    "start_rank_correlation": (r"$\rho(\text{start},\text{end})$", latex.fixed),
}


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, alphas.EXPERIMENT)
    lines = []
    for variant in VARIANTS[alphas.EXPERIMENT]:
        chosen = load.of(runs, variant)
        if not chosen:
            continue
        frame = load.metrics(chosen)
        cells = [(label(alphas.EXPERIMENT, variant), ""), (latex.integer(len(chosen)), "")]
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
