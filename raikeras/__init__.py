"""Train Keras models with relaxed activations: every example has its own target activations."""

from raikeras import (
    callbacks,
    data,
    datasets,
    diagnostics,
    initializers,
    layers,
    losses,
    optimizers,
    presets,
)
from raikeras.model import RelaxedModel
from raikeras.targets import Gradient, Inferred, Learned, TargetRule
from raikeras.weight_steps import Joint, Local, WeightStep

__version__ = "0.1.0"

__all__ = [
    "Gradient",
    "Inferred",
    "Joint",
    "Learned",
    "Local",
    "RelaxedModel",
    "TargetRule",
    "WeightStep",
    "callbacks",
    "data",
    "datasets",
    "diagnostics",
    "initializers",
    "layers",
    "losses",
    "optimizers",
    "presets",
]
