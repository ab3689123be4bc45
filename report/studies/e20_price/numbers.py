"""The numbers of the study of residuals."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.studies.e20_price.looks import EXPERIMENT

LOSSES = ("task_loss", "predicted_loss", "deployed_loss")
RATIOS = ("bound", "price", "discount", "prediction")


def macros(results: Path) -> dict[str, str]:
    """`\\ETwoZeroConstantOneZeroPrice`: a ratio, the geometric mean; and losses."""
    runs, prefix, found = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT), {}
    for variant in EXPERIMENT.variants:
        own, name = load.of(runs, variant), prefix + latex.camel(variant)
        for loss in LOSSES:
            found[name + latex.camel(loss)] = latex.loss(metrics.mean(own, loss).value)
        for ratio in RATIOS:
            orders = metrics.mean(own, f"{ratio}_orders").value
            found[name + latex.camel(ratio)] = latex.significant(10**orders)
    counts = [len(load.of(runs, variant)) for variant in EXPERIMENT.variants]
    settings = runs[0]["settings"] if runs else {}
    return found | {
        prefix + "N": latex.integer(max(counts)),
        prefix + "Units": latex.integer(settings.get("units", 0)),
        prefix + "Iterations": latex.integer(settings.get("iterations", 0)),
    }
