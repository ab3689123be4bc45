"""What the study of perceptrons and MLPs calls its topics, rules, initialisations and methods."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, SPARSE, TWODOT, Experiment, Variant

EXPERIMENT = Experiment(
    "e12_mlp",
    {  # a variant is a topic
        "gates": Variant("gates", 0, "solid", "o", False),
        "starts": Variant("initialisation", 1, DASHED, "^", False),
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
)
GATES = {"and": "AND", "or": "OR", "nand": "NAND", "nor": "NOR", "exor": "EXOR"}
CODINGS = {"zero_one": "0/1", "minus_plus": r"$\pm1$"}
RULES = {
    "gradient": "gradient",
    "momentum": "momentum",
    "nesterov": "Nesterov",
    "adagrad": "AdaGrad",
    "adadelta": "AdaDelta",
    "rmsprop": "RMSprop",
    "adam": "Adam",
}
STARTS = {
    "zero": "zero",
    "constant": "constant",
    "small": r"normal, $\sigma=10^{-2}$",
    "large": r"normal, $\sigma=1$",
    "glorot": "Glorot",
    "he": "He",
    "orthogonal": "orthogonal",
    "isometric": "isometric",
}
METHODS = {
    "gradient": "gradient",
    "momentum": "momentum",
    "conjugate": "conj. gradient",
    "lbfgs": "L-BFGS",
    "bfgs": "BFGS",
    "newton": "damped Newton",
    "hessian_free": "Hessian-free",
}
