"""How the methods are called and drawn, and the data sets, an experiment each."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, TWODOT, Experiment, Variant

METHODS = {
    "linear": Variant("linear model", 7, DOTTED, "x", False),
    "bp": Variant("BP, mini-batches", 0, DASHED, "o", False),
    "bp_full": Variant("BP, full batch", 0, "solid", "o", True),
    "bp_rprop": Variant("BP, Rprop", 0, DOTTED, "s", False),
    "penalty": Variant("RAI, penalty", 3, DASHED, "s", False),
    "growing": Variant("RAI, increasing penalty", 4, LONG, "v", True),
    "multipliers": Variant("RAI, multipliers", 1, "solid", "^", True),
    "reinitialised": Variant("RAI, re-initialised", 5, TWODOT, ">", True),
    "inferred": Variant("inferred", 2, DASHDOT, "D", False),
    "inferred_multipliers": Variant("inferred, multipliers", 2, "solid", "D", True),
    "source": Variant("RAI, source protocol", 6, TWODOT, "P", True),
    "locoprop_s": Variant("LocoProp-S", 9, TWODOT, "<", True),
}


def _of(data_set: str) -> Experiment:
    return Experiment(f"e17_{data_set}", METHODS, partial=True, named=True)


ENERGY = _of("energy")
CONCRETE = _of("concrete")
FRIEDMAN1 = _of("friedman1")
WINE = _of("wine_quality_red")
DIABETES = _of("diabetes")
DIGITS = _of("digits")
POWER_PLANT = _of("power_plant")
JUDGED = {  # the regression sets of the criteria
    ENERGY: "energy",
    CONCRETE: "concrete",
    FRIEDMAN1: "Friedman 1",
    WINE: "red wine",
    DIABETES: "diabetes",
    POWER_PLANT: "power plant",
}
DECIDING = (ENERGY, CONCRETE, FRIEDMAN1, POWER_PLANT)  # where a linear model does not do as well
CLASSES = {DIGITS: "digits"}
TITLES = JUDGED | CLASSES
