"""How the activations, targets and norms of the study of approximation are called and drawn."""

from report.lib.looks import Experiment, Variant

EXPERIMENT = Experiment(
    "e13_approximation",
    {
        "sigmoid": Variant("sigmoid", 0, "solid", "o", False),
        "tanh": Variant("tanh", 1, "solid", "^", False),
        "relu": Variant("ReLU", 2, "solid", "D", False),
    },
)
TARGETS = ("smooth", "kinked", "step")
NORMS = ("sup", "rms")  # largest error, root mean square error


def dimensions(runs: list[dict]) -> list[int]:
    """The dimensions of the cube that were run."""
    return runs[0]["settings"]["dimensions"]
