"""How the variants of the deep net are called and drawn."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, Experiment, Variant

EXPERIMENT = Experiment(
    "e02_deep",
    {
        "bp_default": Variant("BP, default", 7, DOTTED, "s", False),
        "bp_isometric": Variant("BP, isometric", 0, "solid", "o", False),
        "rai_as_code": Variant("RAI, as coded", 1, DASHED, "^", True),
        "rai_as_code_long": Variant("RAI, as coded, long", 1, DASHED, "P", True),
        "rai_as_document": Variant("RAI, as written", 2, DASHDOT, "D", True),
        "rai_growing": Variant("RAI, increasing penalty", 4, LONG, "v", True),
    },
)

# The long runs of RAI as coded go on from the others: only their single lines are drawn.
LONGER = "rai_as_code_long"
DRAWN = {name: look for name, look in EXPERIMENT.variants.items() if name != LONGER}
