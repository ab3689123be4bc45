"""How the methods are called and drawn, on small and on larger tables."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, TWODOT, Experiment, Variant

METHODS = {
    "linear": Variant("linear model", 7, DOTTED, "x", False),
    "bp": Variant("BP, mini-batches", 0, DASHED, "o", False),
    "bp_full": Variant("BP, full batch", 0, "solid", "o", True),
    "bp_rprop": Variant("BP, Rprop", 0, DOTTED, "s", False),
    "penalty": Variant("RAI, penalty", 1, DASHED, "^", False),
    "growing": Variant("RAI, increasing penalty", 4, LONG, "v", True),
    "multipliers": Variant("RAI, multipliers", 1, "solid", "^", True),
    "reinitialised": Variant("RAI, re-initialised", 5, TWODOT, ">", True),
    "inferred": Variant("inferred", 2, DASHDOT, "D", False),
    "inferred_multipliers": Variant("inferred, multipliers", 2, "solid", "D", True),
    "source": Variant("RAI, source protocol", 6, TWODOT, "P", True),
    "locoprop_s": Variant("LocoProp-S", 9, TWODOT, "<", True),
}
SMALL = Experiment("e17_tables", METHODS, partial=True, named=True)
LARGE = Experiment("e17_large", METHODS, partial=True, named=True)
