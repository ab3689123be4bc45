"""The variants of each experiment in their printed order: labels, looks and what each one is."""

from itertools import product
from typing import NamedTuple


class Variant(NamedTuple):
    """How a variant is called and drawn."""

    label: str
    colour: int | str  # index into seaborn's colorblind palette, or a grey
    line: str | tuple
    marker: str
    relaxed: bool


DASHED, DOTTED, DASHDOT, LONG = (0, (4, 1.5)), (0, (1, 1.2)), (0, (4, 1.2, 1, 1.2)), (0, (7, 1.5))
TWODOT, SPARSE = (0, (4, 1.2, 1, 1.2, 1, 1.2)), (0, (3, 3))
LINES = ("solid", DASHED, DOTTED, DASHDOT, LONG, TWODOT, SPARSE)
DEPTHS = dict(zip((10, 30, 100, 300), LINES, strict=False))

# First-order optimizers in greys: what is compared with them stands out.
AUTOENCODERS = {
    "sgd": Variant("SGD", "0.72", DOTTED, "o", False),
    "momentum": Variant("momentum", "0.72", DASHED, "s", False),
    "nesterov": Variant("Nesterov", "0.72", DASHDOT, "P", False),
    "adagrad": Variant("AdaGrad", "0.55", DOTTED, "X", False),
    "adadelta": Variant("AdaDelta", "0.55", DASHED, "d", False),
    "rmsprop": Variant("RMSprop", "0.4", DASHDOT, "p", False),
    "rmsprop_momentum": Variant("RMSprop, momentum", "0.4", SPARSE, "H", False),
    "adam": Variant("Adam", "0.2", "solid", "*", False),
    "muon": Variant("Muon", 5, TWODOT, "h", False),
    "locoprop_s": Variant("LocoProp-S", 0, LONG, "^", True),
    "locoprop_s_closed": Variant("LocoProp-S, closed form", 9, DASHED, "<", True),
    "locoprop_m": Variant("LocoProp-M", 1, "solid", "v", True),
    "inferred": Variant("inferred", 2, DASHDOT, "D", True),
}
NOTEBOOK = {
    "notebook_bp": Variant("notebook, BP", 7, SPARSE, "o", False),
    "notebook_s": Variant("notebook, S", 4, DOTTED, "^", True),
    "notebook_m": Variant("notebook, M", 3, SPARSE, "v", True),
}

# Which layers are relaxed, in the order of the table.
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


def told_apart(variants: dict[str, Variant], markers: str) -> dict[str, Variant]:
    """The variants, each with a line and marker that no other has; figures tell them by place."""
    looks = product(markers, LINES)
    return {
        name: variant._replace(marker=marker, line=line)
        for (name, variant), (marker, line) in zip(variants.items(), looks, strict=False)
    }


def choices(net: str, words: str, markers: str) -> dict[str, Variant]:
    """The variants of a net that differ in the relaxed layers."""
    variants = {
        f"{net}_{name}": Variant(f"{words}, {label}", 0, "solid", "o", name not in ("none", "bp"))
        for name, label in CHOICES.items()
    }
    return told_apart(variants, markers)


TABULAR = {
    "bp": Variant("BP", 0, "solid", "o", False),
    "rai_source": Variant("RAI, source protocol", 1, DASHED, "^", True),
    "rai_growing": Variant("RAI, growing weight", 4, LONG, "v", True),
    "inferred": Variant("inferred", 2, DASHDOT, "D", True),
    "locoprop_s": Variant("LocoProp-S", 9, TWODOT, "<", True),
    "locoprop_m": Variant("LocoProp-M", 3, DOTTED, "s", True),
}
# Shades tell the methods apart, places the regularisers: see report/regularisation.py.
REGULARISED = {
    f"{method}_{name}": Variant(
        f"{words}, {name.replace('_', ' ')}", colour, "solid", marker, method == "rai"
    )
    for method, words, colour, marker, names in (
        ("bp", "BP", 0, "o", ("none", "l1", "l2", "dropout", "early")),
        (
            "rai",
            "RAI",
            1,
            "^",
            ("none", "l1", "l2", "dropout", "early")
            + ("noise", "decay", "weight", "growing", "refresh", "long", "growing_long"),
        ),
    )
    for name in names
}

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
    "e05_generalisation": TABULAR,
    "e05_images": {name: look for name, look in TABULAR.items() if name != "rai_source"},
    "e06_regularisation": told_apart(REGULARISED, "o^s"),
    "e04_initialisation": {
        **{f"bp_{d}": Variant(f"BP, {d}", 0, line, "o", False) for d, line in DEPTHS.items()},
        **{f"rai_{d}": Variant(f"RAI, {d}", 4, line, "v", True) for d, line in DEPTHS.items()},
        "bp_wide": Variant("BP, wide", 0, DOTTED, "s", False),
        "rai_wide": Variant("RAI, wide", 4, DOTTED, "^", True),
    },
    "e07_batches": {
        "bp": Variant("BP", 0, "solid", "o", False),
        "learned": Variant("kept", 1, DASHED, "^", True),
        "refreshed": Variant("kept a few steps", 3, DOTTED, "s", True),
        "inferred": Variant("inferred", 2, DASHDOT, "D", True),
    },
    "e07_minibatch": {
        "bp": Variant("BP", 0, "solid", "o", False),
        "learned": Variant("kept", 1, DASHED, "^", True),
        "learned_growing": Variant("kept, growing weight", 4, LONG, "v", True),
        "learned_repeated": Variant("kept a few steps", 3, DOTTED, "s", True),
        "inferred": Variant("inferred", 2, DASHDOT, "D", True),
    },
    "e09_matching": {"library": Variant("library", 0, "solid", "o", False)},
    "e10_mnist": AUTOENCODERS | NOTEBOOK,
    "e10_fashion": AUTOENCODERS,
    "e10_faces": AUTOENCODERS,
    "e10_curves": AUTOENCODERS,
    "e11_relu_alpha": {
        "code": Variant("code", 0, "solid", "o", False),
        "document_large": Variant("document, all images", 1, LONG, "^", False),
        "code_small": Variant("code, subsample", 9, DASHED, "s", False),
        "document": Variant("document", 3, DASHDOT, "D", False),
        "dip": Variant("code, two weights", 2, DOTTED, "P", False),
        "long": Variant("document, long", 4, DOTTED, "v", False),
    },
    "e12_mlp": {  # a variant is a topic
        "gates": Variant("gates", 0, "solid", "o", False),
        "starts": Variant("starts", 1, DASHED, "^", False),
        "rules": Variant("rules", 2, DASHDOT, "D", False),
        "rules_full": Variant("rules, full batch", 3, DOTTED, "s", False),
        "batches": Variant("batches", 4, LONG, "v", False),
        "losses": Variant("losses", 5, TWODOT, "P", False),
        "regularisation": Variant("regularisation", 6, SPARSE, "X", False),
        "linear": Variant("linear", 7, "solid", "d", False),
        "pruning": Variant("pruning", 8, DASHED, "p", False),
        "second_order": Variant("second order", 9, DASHDOT, "h", False),
        "relaxed": Variant("RAI", 0, DOTTED, "*", False),
    },
    "e15_depth": {
        "rai_1000": Variant("RAI, 1,000 layers", 4, "solid", "o", True),
        "bp_1000": Variant("BP, 1,000 layers", 0, "solid", "^", False),
        "rai_3000": Variant("RAI, 3,000 layers", 4, DASHED, "s", True),
        "bp_3000": Variant("BP, 3,000 layers", 0, DASHED, "D", False),
        "bp_10000": Variant("BP, 10,000 layers", 0, DOTTED, "P", False),
        "rai_10000": Variant("RAI, 10,000 layers", 4, DOTTED, "v", True),
        "rai_rates": Variant("RAI, rates", 4, LONG, "X", True),
        "bp_rates": Variant("BP, rates", 0, LONG, "d", False),
        "rai_gains": Variant("RAI, gains", 4, DASHDOT, "p", True),
        "bp_gains": Variant("BP, gains", 0, DASHDOT, "h", False),
    },
    "e08_limits": {
        "as_code": Variant("RAI, as code", 1, DASHED, "^", True),
        "bp": Variant("BP", 0, "solid", "o", False),
        "growing": Variant("growing weight", 4, LONG, "v", True),
        "narrow": Variant("RAI, 32 units", 8, DOTTED, "p", True),
        "small_step": Variant("first step 0.001", 3, DOTTED, "s", True),
        "he": Variant("He's start", 2, DASHDOT, "D", True),
        "heavy": Variant("hidden weight 100", 5, SPARSE, "P", True),
        "decay": Variant("L2 penalty", 9, TWODOT, "X", True),
    }
    | choices("relu", "ReLU", "H8")
    | choices("sigmoid", "sigmoid", "<>"),
    "e14_scaling": {
        "tensorflow": Variant("TensorFlow", 0, "solid", "o", True),
        "jax": Variant("JAX", 1, DASHED, "^", True),
        "tensorflow_sweep": Variant("TensorFlow, sweep", 2, DOTTED, "s", True),
        "jax_sweep": Variant("JAX, sweep", 4, DASHDOT, "D", True),
    },
    "e16_local_steps": {
        "tensorflow": Variant("TensorFlow", 0, "solid", "o", True),
        "jax": Variant("JAX", 1, DASHED, "^", True),
    },
    "e03_gradients": {
        "sigmoid": Variant("sigmoid", 0, "solid", "o", False),
        "tanh": Variant("tanh", 1, DASHED, "^", False),
        "relu": Variant("ReLU", 2, DASHDOT, "D", False),
        "arctan": Variant("arctan", 3, DOTTED, "s", False),
        "elu": Variant("ELU", 4, LONG, "v", False),
        "chain": Variant("chain", 7, "solid", "P", False),
        "local": Variant("local gradients", 7, DASHED, "X", True),
        "cliff": Variant("cliff", 7, DOTTED, "d", False),
    },
    "e13_approximation": {
        "sigmoid": Variant("sigmoid", 0, "solid", "o", False),
        "tanh": Variant("tanh", 1, "solid", "^", False),
        "relu": Variant("ReLU", 2, "solid", "D", False),
    },
}
# Experiments of which a profile may leave out variants, or all of them.
PARTIAL = (
    "e04_initialisation",
    "e05_generalisation",
    "e05_images",
    "e06_regularisation",
    "e10_mnist",
    "e10_fashion",
    "e10_faces",
    "e10_curves",
    "e08_limits",
    "e11_relu_alpha",
)


def label(experiment: str, variant: str) -> str:
    return VARIANTS[experiment][variant].label


def relaxed(experiment: str) -> list[str]:
    """Names of the variants that have targets."""
    return [name for name, look in VARIANTS[experiment].items() if look.relaxed]
