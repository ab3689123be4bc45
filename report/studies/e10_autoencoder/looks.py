"""How the autoencoders' methods are called and drawn, the same on every data set.

First-order optimizers are grey: what is compared with them stands out.
"""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, SPARSE, TWODOT, Experiment, Variant

METHODS = {
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
MNIST = Experiment("e10_mnist", METHODS | NOTEBOOK, partial=True, named=True)
FASHION = Experiment("e10_fashion", METHODS, partial=True, named=True)
FACES = Experiment("e10_faces", METHODS, partial=True, named=True)
CURVES = Experiment("e10_curves", METHODS, partial=True, named=True)
