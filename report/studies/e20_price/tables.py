"""Residuals and the deployed network after training, and the settings."""

from pathlib import Path

from report.lib import latex, load, metrics, setting_tables
from report.studies.e20_price.looks import EXPERIMENT

LOSSES = {"task_loss": "relaxed", "predicted_loss": "predicted", "deployed_loss": "deployed"}
RATIOS = {
    "prediction_orders": "predicted / deployed",
    "bound_orders": "bound / distance",
    "price_orders": "mismatch / least",
    "discount_orders": "discount",
}


def price(results: Path, out: Path) -> None:
    """By weight and depth: losses, and the logarithms to base 10 of the ratios."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for variant, look in EXPERIMENT.variants.items():
        own = load.of(runs, variant)
        if not own:
            continue
        cells = [(look.label, ""), (str(len(own)), "")]
        for name in (*LOSSES, *RATIOS):
            write = latex.loss if name in LOSSES else lambda value: metrics.decimal(value, 2)
            found = metrics.mean(own, name)
            shown = latex.interval(found, write) if name in RATIOS else ""
            cells.append((write(found.value), shown))
        lines += latex.stacked(cells)
    header = ["", "$n$", *LOSSES.values(), *RATIOS.values()]
    table = latex.table("lr" + "c" * (len(header) - 2), header, lines or [latex.LEFT_OUT])
    latex.write(out, table)


def price_settings(results: Path, out: Path) -> None:
    latex.write(out, setting_tables.of_one(results, EXPERIMENT))
