"""How the backends, methods and dimensions of the scaling study are called and drawn."""

from report.lib.looks import DASHDOT, DASHED, DOTTED, Experiment, Variant

EXPERIMENT = Experiment(
    "e14_scaling",
    {
        "tensorflow": Variant("TensorFlow", 0, "solid", "o", True),
        "jax": Variant("JAX", 1, DASHED, "^", True),
        "tensorflow_sweep": Variant("TensorFlow, sweep", 2, DOTTED, "s", True),
        "jax_sweep": Variant("JAX, sweep", 4, DASHDOT, "D", True),
    },
)
METHODS = {
    "backprop": Variant("backprop", 0, "solid", "o", False),
    "layerwise": Variant("RAI, layer by layer", 1, DASHED, "^", True),
    "fused": Variant("RAI, fused", 2, DASHDOT, "D", True),
    "floor": Variant("the three products", 7, DOTTED, "s", False),
}
OPTIMIZERS = {"rprop": "Rprop", "sgd": "SGD"}
DIMENSIONS = {"depth": "hidden layers", "units": "units of a layer", "batch": "examples of a batch"}
