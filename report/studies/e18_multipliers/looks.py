"""How the methods of the study of multipliers by depth are called and drawn."""

from report.lib.looks import Experiment, Variant, told_apart

METHODS = {  # what they are called, and their colours
    "bp": ("BP", 0),
    "epc": ("ePC", 3),
    "inferred": ("inferred", 2),
    "pc_alm": ("inferred, multipliers", 8),
    "growing": ("rows, increasing penalty", 4),
    "rows": ("rows, multipliers", 1),
    "rows_fresh": ("rows, re-initialised", 5),
}
DEPTHS = (10, 30, 100)
STARTS = {"": "orthogonal", "default_": "default"}
EXPERIMENT = Experiment(
    "e18_multipliers",
    told_apart(
        {
            f"{method}_{start}{depth}": Variant(
                f"{label}, {depth} layers, {called}", colour, "solid", "o", method != "bp"
            )
            for method, (label, colour) in METHODS.items()
            for start, called in STARTS.items()
            for depth in DEPTHS
        },
        "osD^vP>",
    ),
    partial=True,
    named=True,
)
