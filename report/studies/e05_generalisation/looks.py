"""How the methods are called and drawn, on tables and on images."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, TWODOT, Experiment, Variant

METHODS = {
    "bp": Variant("BP", 0, "solid", "o", False),
    "rai_source": Variant("RAI, source protocol", 1, DASHED, "^", True),
    "rai_growing": Variant("RAI, growing weight", 4, LONG, "v", True),
    "inferred": Variant("inferred", 2, DASHDOT, "D", True),
    "locoprop_s": Variant("LocoProp-S", 9, TWODOT, "<", True),
    "locoprop_m": Variant("LocoProp-M", 3, DOTTED, "s", True),
}
TABLES = Experiment("e05_generalisation", METHODS, partial=True, named=True)
IMAGES = Experiment(
    "e05_images",
    {name: look for name, look in METHODS.items() if name != "rai_source"},
    partial=True,
    named=True,
)
