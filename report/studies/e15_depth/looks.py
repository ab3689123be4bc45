"""How the very deep nets are called and drawn."""

from report.lib.looks import DASHED, DOTTED, Experiment, Variant

EXPERIMENT = Experiment(
    "e15_depth",
    {
        "rai_1000": Variant("1,000 layers", 4, "solid", "o", True),
        "rai_3000": Variant("3,000 layers", 4, DASHED, "s", True),
        "rai_10000": Variant("10,000 layers", 4, DOTTED, "v", True),
    },
)
