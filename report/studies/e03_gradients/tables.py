"""How the gradient of the lowest layer changes with depth."""

from pathlib import Path

from report.lib import latex, load, metrics
from report.studies.e03_gradients.looks import ACTIVATIONS, EXPERIMENT, STARTS


def rates(results: Path, out: Path) -> None:
    """By activation and start: over the depth, over the layers, and the theory of it."""
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for variant in ACTIVATIONS:
        own, cells = load.of(runs, variant), []
        for start in STARTS:
            value = metrics.mean(own, f"{start}_depth_rate")
            theory = metrics.mean(own, f"{start}_predicted_rate")
            across = metrics.mean(own, f"{start}_rate")
            cells += [
                (_two(value.value), latex.interval(value, _two)),
                (_two(across.value), _two(theory.value)),
            ]
        name = (EXPERIMENT.label(variant), "")
        lines += [*latex.stacked([name, *cells]), r"\addlinespace[2pt]"]
    titles = [rf"\multicolumn{{2}}{{c}}{{{title}}}" for title in STARTS.values()]
    second = " & ".join(["", *["depth & layer"] * len(titles)]) + r" \\"
    text = latex.table("l" + "rr" * len(titles), ["", *titles], lines[:-1])
    latex.write(out, text.replace(r"\midrule", second + "\n" + r"\midrule", 1))


def _two(value: float) -> str:
    return metrics.decimal(value, 2)
