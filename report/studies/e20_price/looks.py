"""How the variants of the study of residuals are called and drawn: a weight and a depth each."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, Dashes, Experiment, Variant

DEPTHS: dict[int, Dashes] = {10: "solid", 30: DASHED, 100: DOTTED, 300: DASHDOT}
WEIGHTS = {"constant": ("constant weight", 1, "^"), "growing": ("increasing weight", 4, "v")}
EXPERIMENT = Experiment(
    "e20_price",
    {
        f"{weight}_{depth}": Variant(f"{label}, {depth} layers", colour, line, marker, True)
        for weight, (label, colour, marker) in WEIGHTS.items()
        for depth, line in DEPTHS.items()
    },
    partial=True,
)
