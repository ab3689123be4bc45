"""How the methods of the study of multipliers by depth are called and drawn."""

from report.lib.looks import Experiment, Variant, told_apart

METHODS = {  # what they are called, and their colours
    "bp": ("BP", 0),
    "epc": ("ePC", 7),
    "inferred": ("inferred, penalty", 2),
    "pc_alm": ("inferred, multipliers", 3),
    "growing": ("rows, increasing penalty", 4),
    "rows": ("rows, multipliers", 1),
    "rows_fresh": ("rows, re-initialised", 9),
}
DEPTHS = (10, 30, 100)
SHALLOWER = DEPTHS[:2]
ROWS = {"growing": SHALLOWER, "rows": SHALLOWER, "rows_fresh": DEPTHS}
# Depths of every method from the orthogonal start and, with `_default`, from Keras' own.
TRAINED = {
    **{method: ROWS.get(method, DEPTHS) for method in METHODS},
    "bp_default": DEPTHS,
    "pc_alm_default": SHALLOWER,
}


def variant(name: str, depth: int) -> Variant:
    """How a method at a depth is called and drawn."""
    method = name.removesuffix("_default")
    label, colour = METHODS[method]
    start = ", Keras' initialisation" if name != method else ""
    return Variant(f"{label}, {depth} layers{start}", colour, "solid", "o", method != "bp")


EXPERIMENT = Experiment(
    "e18_multipliers",
    told_apart(
        {f"{name}_{depth}": variant(name, depth) for name in TRAINED for depth in TRAINED[name]},
        "osD^vP>",
    ),
    partial=True,
    named=True,
)
