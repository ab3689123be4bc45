"""How the variants of the mini-batch experiment are called and drawn."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, Experiment, Variant

EXPERIMENT = Experiment(
    "e07_minibatch",
    {
        "bp": Variant("BP", 0, "solid", "o", False),
        "bp_repeated": Variant("BP, batches repeated", 0, DASHED, "o", False),
        "learned": Variant("rows, kept", 1, DASHED, "^", True),
        "learned_growing": Variant("rows, increasing penalty", 4, LONG, "v", True),
        "learned_repeated": Variant("rows, re-initialised", 3, DOTTED, "s", True),
        "inferred": Variant("inferred", 2, DASHDOT, "D", True),
    },
)
