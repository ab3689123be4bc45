"""The variants of each experiment in their printed order: labels, looks and what each one is."""

from typing import NamedTuple


class Variant(NamedTuple):
    """How a variant is called and drawn."""

    label: str
    colour: int  # index into seaborn's colorblind palette
    line: str | tuple
    marker: str
    relaxed: bool


DASHED, DOTTED, DASHDOT, LONG = (0, (4, 1.5)), (0, (1, 1.2)), (0, (4, 1.2, 1, 1.2)), (0, (7, 1.5))

VARIANTS = {
    "e01_shallow": {
        "bp_source": Variant("BP, source run", 7, DOTTED, "s", False),
        "bp": Variant("BP", 0, "solid", "o", False),
        "rai_as_code": Variant("RAI, as code", 1, DASHED, "^", True),
        "rai_as_document": Variant("RAI, as written", 2, DASHDOT, "D", True),
    },
    "e02_deep": {
        "bp_default": Variant("BP, default start", 7, DOTTED, "s", False),
        "bp_isometric": Variant("BP, isometric start", 0, "solid", "o", False),
        "rai_as_code": Variant("RAI, as code", 1, DASHED, "^", True),
        "rai_as_document": Variant("RAI, as written", 2, DASHDOT, "D", True),
        "rai_growing": Variant("RAI, growing weight", 4, LONG, "v", True),
    },
    "e07_minibatch": {
        "bp": Variant("BP", 0, "solid", "o", False),
        "learned": Variant("kept", 1, DASHED, "^", True),
        "learned_growing": Variant("kept, growing weight", 4, LONG, "v", True),
        "learned_repeated": Variant("kept a few steps", 3, DOTTED, "s", True),
        "inferred": Variant("inferred", 2, DASHDOT, "D", True),
    },
    "e15_thousand": {
        "bp": Variant("BP", 0, "solid", "o", False),
        "bp_fast": Variant("BP, RAI's rate", 7, DOTTED, "s", False),
        "rai_growing": Variant("RAI, growing weight", 4, LONG, "v", True),
    },
    "e14_scaling": {
        "tensorflow": Variant("TensorFlow", 0, "solid", "o", True),
        "jax": Variant("JAX", 1, DASHED, "^", True),
        "tensorflow_sweep": Variant("TensorFlow, sweep", 2, DOTTED, "s", True),
        "jax_sweep": Variant("JAX, sweep", 4, DASHDOT, "D", True),
    },
}


def label(experiment: str, variant: str) -> str:
    return VARIANTS[experiment][variant].label


def relaxed(experiment: str) -> list[str]:
    """Names of the variants that have targets."""
    return [name for name, look in VARIANTS[experiment].items() if look.relaxed]
