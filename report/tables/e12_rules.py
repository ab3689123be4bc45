"""The update rules, tuned alike: steps to the loss fixed beforehand, in mini and full batches."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from report import latex, load, mlp

GROUPS = {"rules": "mini-batches", "rules_full": "full batches"}
COLUMNS = {
    "rate": "rate",
    "reached_share": "reached",
    "steps": "steps",
    "ratio": "to gradient",
    "test_accuracy": "test accuracy",
}


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, mlp.EXPERIMENT)
    lines = []
    for rule, label in mlp.RULES.items():
        cells = [(label, "")]
        for variant in GROUPS:
            for name in COLUMNS:
                value, interval = mlp.cell(runs, variant, f"{rule}_{name}")
                cells.append((value, "" if name in ("rate", "reached_share") else interval))
        lines += [*latex.stacked(cells), r"\addlinespace[2pt]"]
    width = len(COLUMNS)
    titles = [rf"\multicolumn{{{width}}}{{c}}{{{title}}}" for title in GROUPS.values()]
    rules = " ".join(
        rf"\cmidrule(lr){{{2 + width * number}-{1 + width * (number + 1)}}}"
        for number in range(len(titles))
    )
    header = [rf" & {' & '.join(titles)} \\" + f"\n{rules}\n", *[*COLUMNS.values()] * len(titles)]
    latex.write(out, latex.table("l" + "c" * width * len(titles), header, lines[:-1]))


if __name__ == "__main__":
    load.main(build)
