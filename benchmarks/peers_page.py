"""Writes docs/peers.md from what `make bench-peers` found: peers_page.py FOUND.json OUT."""

import json
import sys
from pathlib import Path

TEXT = """# Inferred targets in other packages

One training step of predictive coding as raikeras' `Inferred({steps})` makes it: a chain of tanh
layers of {units} units, batches of {examples} examples, {steps} steps of inference from the
forward pass, half a squared error at each layer, plain gradient descent for weights and targets,
float32. `benchmarks/peers.py --check` holds all rows against NumPy: they change the weights
alike.

{machine}, commit {commit}, {rounds} rounds in which all rows take turns. Ratio: to raikeras with
equal layers fused, median over rounds [least, most]. raikeras and Keras train through `fit`, from
arrays in the host's memory; the others by a loop over batches that are on the device already.
ngc-learn and Deepity have their targets before the activation, the others behind it. Compile:
seconds of the first two epochs, less two median ones.

{times}

What each can do, by its code and documentation at that version. Targets kept: over epochs, for
each example. Layers at once: equal layers are one product of stacked tensors.

{can}

`make bench-peers` measures anew, in environments of its own; `make publish-peers` writes this
page and the table in the report's appendix.
"""


def page(found: dict) -> str:
    """The page's text; `found` is what peers.py saves."""
    depths = list(found["rows"])
    header = ["", *(f"depth {d}: {what}" for d in depths for what in ("ms", "ratio", "compile, s"))]
    lines = []
    for name in found["rows"][depths[0]]:
        cells = [name]
        for depth in depths:
            one = found["rows"][depth][name]
            ratio = "{:.2f} [{:.2f}, {:.2f}]".format(*one["ratio"])
            cells += [f"{one['ms']:.3g}", ratio, f"{one['compile']:.1f}"]
        lines.append(cells)
    can = [
        [f"{package} {found['versions'][package]}", *words]
        for package, words in found["can"].items()
    ]
    tables = {"times": _table(header, lines), "can": _table(["", *found["columns"]], can)}
    return TEXT.format(**{**found, **tables})


def _table(header: list[str], lines: list[list[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    source, out = map(Path, sys.argv[1:])
    out.write_text(page(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
