"""The numbers of the study of batch sizes."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.studies.e07_batches.looks import EXPERIMENT
from report.studies.e07_batches.sizes import kilobytes, name, seconds

NAMED = (1, 4, 16, 64, 256, 0)  # of which the text speaks, whatever a profile has


def macros(results: Path) -> dict[str, str]:
    """`\\ESevenBatchesBpAccuracySixFour`, with `CI` its interval, and `...BpSecondsSixFour`;
    `...All` is the whole batch.
    """
    runs, prefix, found = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT), {}
    for variant in EXPERIMENT.variants:
        own = prefix + latex.camel(variant)
        for size in NAMED:
            value = metrics.mean(load.of(runs, variant), f"accuracy_{name(size)}")
            macro = own + "Accuracy" + latex.camel(name(size))
            found[macro] = latex.fixed(value.value)
            found[macro + "CI"] = latex.with_interval(value, latex.fixed)
            spent = latex.significant(seconds(runs, variant, size))
            found[own + "Seconds" + latex.camel(name(size))] = spent + r"\,s"
        long = metrics.mean(load.of(runs, variant), "accuracy_long")
        found[own + "AccuracyLong"] = latex.fixed(long.value)
        found[own + "AccuracyLongCI"] = latex.with_interval(long, latex.fixed)
        found[own + "Kilobytes"] = latex.significant(kilobytes(runs, variant)) + r"\,kB"
    settings = runs[0]["settings"] if runs else {}
    trials = [len(trial) for run in runs for trial in run["curves"]["trials"]]
    return found | {
        prefix + "N": latex.integer(max(len(load.of(runs, v)) for v in EXPERIMENT.variants)),
        prefix + "Data": rf"\texttt{{{settings.get('dataset', 'digits')}}}",
        prefix + "Visits": latex.integer(settings.get("visits", 0)),
        prefix + "Trials": latex.integer(max(trials, default=0)),
    }
