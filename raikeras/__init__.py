"""Train Keras models with relaxed activations: every example has its own target activations."""

from raikeras import data, datasets, diagnostics, initializers, layers, optimizers, presets
from raikeras.model import RelaxedModel
from raikeras.targets import Learned
from raikeras.weight_steps import Joint

__version__ = "0.1.0"

__all__ = [
    "Joint",
    "Learned",
    "RelaxedModel",
    "data",
    "datasets",
    "diagnostics",
    "initializers",
    "layers",
    "optimizers",
    "presets",
]
