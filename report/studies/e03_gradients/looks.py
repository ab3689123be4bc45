"""Names and looks of the variants, initialisations and trainings of the study of gradients."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, Experiment, Variant

EXPERIMENT = Experiment(
    "e03_gradients",
    {
        "sigmoid": Variant("sigmoid", 0, "solid", "o", False),
        "tanh": Variant("tanh", 1, DASHED, "^", False),
        "relu": Variant("ReLU", 2, DASHDOT, "D", False),
        "arctan": Variant("arctan", 3, DOTTED, "s", False),
        "elu": Variant("ELU", 4, LONG, "v", False),
        "chain": Variant("chain", 7, "solid", "P", False),
        "local": Variant("local gradients", 7, DASHED, "X", True),
        "cliff": Variant("cliff", 7, DOTTED, "d", False),
    },
)
ACTIVATIONS = ("sigmoid", "tanh", "relu", "arctan", "elu")
STARTS = {
    "default": "Keras' default",
    "torch": "PyTorch's default",
    "he": "He",
    "isometric": "isometric",
    "large": "too large",
    "biased": "saturated",
}
FITS = {
    "bp_default": "backprop, Keras' default",
    "bp_isometric": "backprop, isometric",
    "rai": "RAI, Keras' default",
}
