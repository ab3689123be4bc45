"""The strengths of each regulariser and how often held-out rows chose them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from report import latex, load, regularisation, settings, tabular


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, regularisation.EXPERIMENT)
    lines = []
    for variant in [regularisation.BASE, *regularisation.variants(runs)]:
        tried = tabular.trials(runs, variant)
        total = sum(count for _, count in tried) or 1
        words = [rf"{text} ({100 * count / total:.0f}\,\%)" for text, count in tried]
        if tried:
            lines.append(" & ".join([regularisation.title(variant), "; ".join(words)]))
    if lines:
        hidden = ("method", "regulariser", "image_examples")
        shared = {k: v for k, v in runs[0]["settings"].items() if k not in hidden}
        text = "; ".join(f"{latex.escape(k)} = {settings.text(v)}" for k, v in shared.items())
        last = rf"\multicolumn{{2}}{{@{{}}p{{0.97\textwidth}}@{{}}}}{{\raggedright All: {text}.}}"
        lines += [r"\midrule", last + r" \\"]
    header = ["", "strengths tried (rate where none), and the share that chose each"]
    columns = r"l>{\raggedright\arraybackslash}p{0.75\textwidth}"
    latex.write(out, latex.table(columns, header, lines or [latex.LEFT_OUT]))


if __name__ == "__main__":
    load.main(build)
