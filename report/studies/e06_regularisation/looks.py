"""How the variants of the study of regularisation are called and drawn: a method and a regulariser.

Shades tell the methods apart, places the regularisers.
"""

from report.lib.looks import Experiment, Variant, told_apart

WORDS = {
    "none": "none",
    "l1": r"$L_1$",
    "l2": r"$L_2$",
    "dropout": "dropout",
    "early": "early stopping",
    "noise": "noise on targets",
    "decay": "target decay",
    "weight": "larger weight",
    "growing": "growing weight",
    "refresh": "refresh",
    "long": r"4 $\times$ the steps",
    "growing_long": r"growing, 4 $\times$ the steps",
}
SHARED = ("none", "l1", "l2", "dropout", "early")


def _variant(method: str, name: str, colour: int) -> Variant:
    words = f"{method.upper()}, {name.replace('_', ' ')}"
    return Variant(words, colour, "solid", "o", method == "rai")


EXPERIMENT = Experiment(
    "e06_regularisation",
    told_apart(
        {f"bp_{name}": _variant("bp", name, 0) for name in SHARED}
        | {f"rai_{name}": _variant("rai", name, 1) for name in WORDS},
        "o^s",
    ),
    partial=True,
)


def title(variant: str) -> str:
    """A variant as figures and tables name it."""
    method, _, name = variant.partition("_")
    return f"{method.upper()}, {WORDS[name]}"
