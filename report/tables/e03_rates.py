"""How the gradient of the lowest layer changes with depth, by activation and start."""

from pathlib import Path

from report import gradients, latex, load
from report.variants import label


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, gradients.EXPERIMENT)
    lines = []
    for variant in gradients.ACTIVATIONS:
        own, cells = load.of(runs, variant), []
        for start in gradients.STARTS:
            value = gradients.mean(own, f"{start}_depth_rate")
            theory = gradients.mean(own, f"{start}_predicted_rate")
            across = gradients.mean(own, f"{start}_rate")
            cells += [
                (_two(value.value), latex.interval(value, _two)),
                (_two(across.value), _two(theory.value)),
            ]
        name = (label(gradients.EXPERIMENT, variant), "")
        lines += [*latex.stacked([name, *cells]), r"\addlinespace[2pt]"]
    titles = [rf"\multicolumn{{2}}{{c}}{{{title}}}" for title in gradients.STARTS.values()]
    second = " & ".join(["", *["depth & layer"] * len(titles)]) + r" \\"
    text = latex.table("l" + "rr" * len(titles), ["", *titles], lines[:-1])
    latex.write(out, text.replace(r"\midrule", second + "\n" + r"\midrule", 1))


def _two(value: float) -> str:
    return gradients.decimal(value, 2)
