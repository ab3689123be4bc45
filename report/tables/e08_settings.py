"""Settings of the hundred ReLU layers, and of each net whose choice of layers is varied."""

from pathlib import Path

from report import latex, limits, load, settings
from report.variants import label

ROWS = [*limits.DEEP, "relu_all", "relu_bp", "sigmoid_all", "sigmoid_bp"]
LEFT_OUT = ("measured", "together", "landscape")  # of no influence on what is trained


def build(results: Path, out: Path) -> None:
    runs = load.runs(results, limits.EXPERIMENT)
    found = {name: load.of(runs, name)[0]["settings"] for name in ROWS if load.of(runs, name)}
    names = sorted({key for one in found.values() for key in one} - {*LEFT_OUT})
    texts = {k: {n: settings.text(one.get(k)) for n, one in found.items()} for k in names}
    differ = [name for name in names if len({*texts[name].values()}) > 1]
    lines = [
        " & ".join([label(limits.EXPERIMENT, name), *(texts[key][name] for key in differ)])
        for name in found
    ]
    shared = {name: [*texts[name].values()][0] for name in names if name not in differ}
    lines += settings.common(shared, len(differ) + 1)
    header = ["", *map(latex.escape, differ)]
    body = lines if found else [latex.LEFT_OUT]
    latex.write(out, latex.table("l" + "l" * len(differ), header, body))
