"""Per cent of alphas at zero by penalty weight, the source's and ours, and test accuracies."""

from pathlib import Path

from report import alphas, latex, load, stats
from report.variants import label


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, alphas.EXPERIMENT)
    variants = [variant for variant in alphas.PROTOCOLS if load.of(runs, variant)]
    shares = {variant: alphas.shares(runs, variant) for variant in variants}
    accuracy = {variant: alphas.by_run(runs, variant, "test_accuracy") for variant in variants}
    lines = []
    for weight, theirs in alphas.source().items():
        cells = [(latex.fixed(weight), ""), (latex.percent(theirs), "")]
        for variant in variants:
            share = shares[variant].get(weight, stats.mean([]))
            cells.append((latex.percent(share.value), latex.interval(share, latex.percent)))
        for variant in variants:
            found = accuracy[variant].get(weight, [])
            estimate = stats.mean(found)
            cells.append((latex.fixed(estimate.value), latex.interval(estimate, latex.fixed)))
        lines += [*latex.stacked(cells), r"\addlinespace[1pt]"]
    count = len(variants)
    header = [r"$\lambda$", "source", *[label(alphas.EXPERIMENT, v) for v in variants] * 2]
    if variants:
        groups = rf" & & \multicolumn{{{count}}}{{c}}{{alphas at zero (\%)}} & "
        groups += rf"\multicolumn{{{count}}}{{c@{{}}}}{{test accuracy}} \\"
        rules = rf"\cmidrule(lr){{3-{2 + count}}} \cmidrule(l){{{3 + count}-{2 + 2 * count}}}"
        header[0] = f"{groups}\n{rules}\n{header[0]}"
    latex.write(out, latex.table("rr" + "c" * 2 * count, header, lines[:-1]))
