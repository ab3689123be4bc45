"""The study of batch sizes as its figure, tables and numbers use it: sizes, estimates, macros."""

import numpy as np

from report import latex, load, stats
from report.variants import VARIANTS

EXPERIMENT = "e07_batches"
NAMED = (1, 4, 16, 64, 256, 0)  # of which the text speaks, whatever a profile has


def sizes(runs: list[dict]) -> list[int]:
    """The batch sizes in the order of their number of examples; 0, all, is the last."""
    given = runs[0]["settings"]["batch_sizes"] if runs else []
    return sorted(size for size in given if size) + [size for size in given if not size]


def name(size: int) -> str:
    """How metrics call a batch size."""
    return str(size) if size else "all"


def estimate(runs: list[dict], variant: str, metric: str) -> stats.Estimate:
    """Mean of a metric over a variant's runs; times and bytes are those of the first one."""
    values = [run["metrics"].get(metric) for run in load.of(runs, variant)]
    return stats.mean([np.nan if value is None else value for value in values])


def seconds(runs: list[dict], variant: str, size: int) -> float:
    """Seconds of one visit to every example."""
    return estimate(runs, variant, f"epoch_{name(size)}_seconds").value


def kilobytes(runs: list[dict], variant: str) -> float:
    """What the store takes."""
    return estimate(runs, variant, "store_bytes").value / 1e3


def macros(runs: list[dict], experiment: str) -> dict[str, str]:
    """All numbers of the text: `\\ESevenBatchesBpAccuracySixFour`, with `CI` its interval, and
    `...BpSecondsSixFour`; `...All` is the whole batch.
    """
    prefix, found = latex.camel(experiment.replace("e07", "e seven")), {}
    for variant in VARIANTS[experiment]:
        own = prefix + latex.camel(variant)
        for size in NAMED:
            value = estimate(runs, variant, f"accuracy_{name(size)}")
            macro = own + "Accuracy" + latex.camel(name(size))
            found[macro] = latex.fixed(value.value)
            found[macro + "CI"] = latex.with_interval(value, latex.fixed)
            spent = latex.significant(seconds(runs, variant, size))
            found[own + "Seconds" + latex.camel(name(size))] = spent + r"\,s"
        found[own + "Kilobytes"] = latex.significant(kilobytes(runs, variant)) + r"\,kB"
    settings = runs[0]["settings"] if runs else {}
    trials = [len(trial) for run in runs for trial in run["curves"]["trials"]]
    return found | {
        prefix + "N": latex.integer(max(len(load.of(runs, v)) for v in VARIANTS[experiment])),
        prefix + "Data": rf"\texttt{{{settings.get('dataset', 'digits')}}}",
        prefix + "Visits": latex.integer(settings.get("visits", 0)),
        prefix + "Trials": latex.integer(max(trials, default=0)),
    }
