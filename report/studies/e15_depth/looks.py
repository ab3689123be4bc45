"""How the variants of very deep nets are called and drawn."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, Experiment, Variant

TRAINED = {
    "rai_1000": Variant("RAI, 1,000 layers", 4, "solid", "o", True),
    "bp_1000": Variant("BP, 1,000 layers", 0, "solid", "^", False),
    "rai_3000": Variant("RAI, 3,000 layers", 4, DASHED, "s", True),
    "bp_3000": Variant("BP, 3,000 layers", 0, DASHED, "D", False),
    "bp_10000": Variant("BP, 10,000 layers", 0, DOTTED, "P", False),
    "rai_10000": Variant("RAI, 10,000 layers", 4, DOTTED, "v", True),
}
# Many short trainings along a line of rates or gains.
RATES = {
    "rai_rates": Variant("RAI, rates", 4, LONG, "X", True),
    "bp_rates": Variant("BP, rates", 0, LONG, "d", False),
}
GAINS = {
    "rai_gains": Variant("RAI, gains", 4, DASHDOT, "p", True),
    "bp_gains": Variant("BP, gains", 0, DASHDOT, "h", False),
}
EXPERIMENT = Experiment("e15_depth", TRAINED | RATES | GAINS)
