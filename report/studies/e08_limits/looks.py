"""How the variants of the study of limits are called and drawn."""

from report.lib.looks import (
    DASHDOT,
    DASHED,
    DOTTED,
    LONG,
    SPARSE,
    TWODOT,
    Experiment,
    Variant,
    told_apart,
)

# A hundred ReLU layers.
DEEP = {
    "as_code": Variant("RAI, as coded", 1, DASHED, "^", True),
    "bp": Variant("BP", 0, "solid", "o", False),
    "growing": Variant("increasing penalty", 4, LONG, "v", True),
    "narrow": Variant("RAI, 32 units", 8, DOTTED, "p", True),
    "bp_narrow": Variant("BP, 32 units", 0, DOTTED, "H", False),
    "small_step": Variant("initial step 0.001", 3, DOTTED, "s", True),
    "he": Variant("He's initialisation", 2, DASHDOT, "D", True),
    "heavy": Variant("hidden weight 100", 5, SPARSE, "P", True),
    "decay": Variant("L2 penalty", 9, TWODOT, "X", True),
}
NETS = {"relu": "ReLU, as coded", "sigmoid": "sigmoid, increasing penalty"}
# Which of a net's layers are relaxed, in the order of the table.
CHOICES = {
    "all": "all",
    "every_2": "every 2nd",
    "random_0": "random half",
    "random_1": "another half",
    "every_5": "every 5th",
    "every_10": "every 10th",
    "first": "first",
    "last": "last",
    "none": "none",
    "bp": "BP",
}


def _choices(net: str, words: str, markers: str) -> dict[str, Variant]:
    """The variants of a net that differ in the relaxed layers."""
    variants = {
        f"{net}_{name}": Variant(f"{words}, {label}", 0, "solid", "o", name not in ("none", "bp"))
        for name, label in CHOICES.items()
    }
    return told_apart(variants, markers)


EXPERIMENT = Experiment(
    "e08_limits",
    DEEP
    | _choices("relu", "ReLU", "h8")
    | {"relu_no_hidden_loss": Variant("ReLU, no hidden loss", 7, SPARSE, "d", True)}
    | _choices("sigmoid", "sigmoid", "<>"),
    partial=True,
)
