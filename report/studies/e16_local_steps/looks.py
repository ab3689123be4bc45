"""How the backends and methods of the study of local steps are called and drawn."""

from report.lib.looks import DASHED, Experiment, Variant

EXPERIMENT = Experiment(
    "e16_local_steps",
    {
        "tensorflow": Variant("TensorFlow", 0, "solid", "o", True),
        "jax": Variant("JAX", 1, DASHED, "^", True),
    },
)
LABELS = {
    "backprop": "backprop",
    "s": "LocoProp-S",
    "s_closed": "LocoProp-S, closed form",
    "m": "LocoProp-M",
    "inferred": "inferred",
}
