"""How each method is trained and the settings of which held-out rows chose."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from report import generalisation, latex, load, settings, tabular
from report.variants import label


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, generalisation.TABLES)
    lines = []
    for variant in generalisation.methods(runs):
        tried = tabular.trials(runs, variant)
        total = sum(count for _, count in tried) or 1
        words = [rf"{text} ({100 * count / total:.0f}\,\%)" for text, count in tried]
        lines.append(" & ".join([label(generalisation.TABLES, variant), "; ".join(words)]))
    if runs:
        shared = {k: v for k, v in runs[0]["settings"].items() if k not in ("method", "sets")}
        text = "; ".join(f"{latex.escape(k)} = {settings.text(v)}" for k, v in shared.items())
        last = rf"\multicolumn{{2}}{{@{{}}p{{0.97\textwidth}}@{{}}}}{{\raggedright All: {text}.}}"
        lines += [r"\midrule", last + r" \\"]
    header = ["", "settings tried, and the share of splits and data sets that chose each"]
    columns = r"l>{\raggedright\arraybackslash}p{0.8\textwidth}"
    latex.write(out, latex.table(columns, header, lines or [latex.LEFT_OUT]))


if __name__ == "__main__":
    load.main(build)
