"""How the autoencoder's methods are called and drawn.

First-order optimizers are grey: what is compared with them stands out.
"""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, SPARSE, TWODOT, Experiment, Variant

FIRST_ORDER = {
    "sgd": Variant("SGD", "0.55", DOTTED, "o", False),
    "nesterov": Variant("Nesterov", "0.55", DASHDOT, "P", False),
    "adagrad": Variant("AdaGrad", "0.45", DOTTED, "X", False),
    "rmsprop": Variant("RMSprop", "0.35", DASHDOT, "p", False),
    "rmsprop_momentum": Variant("RMSprop, momentum", "0.35", SPARSE, "H", False),
    "adam": Variant("Adam", "0.2", "solid", "*", False),
}
LONG_RUNS = {
    "nesterov_long": Variant("Nesterov, long", "0.55", LONG, "P", False),
    "rmsprop_momentum_long": Variant("RMSprop, momentum, long", "0.35", LONG, "H", False),
    "adam_long": Variant("Adam, long", "0.2", LONG, "*", False),
}
OTHERS = {
    "muon": Variant("Muon", 5, TWODOT, "h", False),
    "gauss_newton": Variant("Gauss-Newton", 4, LONG, "s", False),
    "locoprop_s": Variant("LocoProp-S", 0, LONG, "^", True),
    "locoprop_s_closed": Variant("LocoProp-S, closed form", 9, DASHED, "<", True),
    "locoprop_m": Variant("LocoProp-M", 1, "solid", "v", True),
    "inferred": Variant("inferred", 2, DASHDOT, "D", True),
}
AUTOENCODER = Experiment("e10_autoencoder", FIRST_ORDER | LONG_RUNS | OTHERS, partial=True)
