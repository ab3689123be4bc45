"""How the variants of the phase diagrams are called and drawn: a method and a depth each."""

from report.lib.looks import DASHED, DOTTED, Dashes, Experiment, Variant

DEPTHS: dict[int, Dashes] = {10: "solid", 30: DASHED, 100: DOTTED}
METHODS = {"bp": "BP", "rai": "RAI, increasing penalty"}
BOTH_RATES = {depth: f"rai_rates_{depth}" for depth in DEPTHS}  # RAI, at the rule's gain
WIDE = {"bp": "bp_wide", "rai": "rai_wide"}
EXPERIMENT = Experiment(
    "e04_initialisation",
    {
        **{f"bp_{d}": Variant(f"BP, {d}", 0, line, "o", False) for d, line in DEPTHS.items()},
        **{f"rai_{d}": Variant(f"RAI, {d}", 4, line, "v", True) for d, line in DEPTHS.items()},
        **{
            variant: Variant(f"RAI, both rates, {d}", 4, DEPTHS[d], ">", False)
            for d, variant in BOTH_RATES.items()
        },
        "bp_wide": Variant("BP, wide", 0, DOTTED, "s", False),
        "rai_wide": Variant("RAI, wide", 4, DOTTED, "^", True),
    },
    partial=True,
)
