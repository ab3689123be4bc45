"""How the variants of the study of batch sizes are called and drawn."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, Experiment, Variant

EXPERIMENT = Experiment(
    "e07_batches",
    {
        "bp": Variant("BP", 0, "solid", "o", False),
        "learned": Variant("rows, kept", 1, DASHED, "^", True),
        "refreshed": Variant("rows, re-initialised", 3, DOTTED, "s", True),
        "inferred": Variant("inferred", 2, DASHDOT, "D", True),
    },
    named=True,
)
