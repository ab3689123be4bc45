"""How the variants of the shallow net are called and drawn."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, Experiment, Variant

EXPERIMENT = Experiment(
    "e01_shallow",
    {
        "bp_source": Variant("BP, source's run", 7, DOTTED, "s", False),
        "bp": Variant("BP", 0, "solid", "o", False),
        "rai_as_code": Variant("RAI, as coded", 1, DASHED, "^", True),
        "rai_as_document": Variant("RAI, as written", 2, DASHDOT, "D", True),
    },
)
