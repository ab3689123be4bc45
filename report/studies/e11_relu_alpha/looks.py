"""How the protocols of the learned ReLU are called and drawn."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, LONG, Experiment, Variant

EXPERIMENT = Experiment(
    "e11_relu_alpha",
    {
        "code": Variant("code", 0, "solid", "o", False),
        "document_large": Variant("document, all images", 1, LONG, "^", False),
        "code_small": Variant("code, subsample", 9, DASHED, "s", False),
        "document": Variant("document", 3, DASHDOT, "D", False),
        "dip": Variant("code, two weights", 2, DOTTED, "P", False),
        "long": Variant("document, long", 4, DOTTED, "v", False),
    },
    partial=True,
)
PROTOCOLS = ("code", "document_large", "code_small", "document")
ALL_WEIGHTS = (*PROTOCOLS, "long")  # those that have all penalty weights
DRAWN = ("code", "document", "long")  # of these alphas are drawn one by one
LAYERS = ("first", "second", "third")
