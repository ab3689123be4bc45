"""Train Keras models with relaxed activations: every example has its own target activations."""

from raikeras.installed import check_backend

check_backend()  # before anything imports Keras

from raikeras import (
    callbacks,
    constraints,
    data,
    datasets,
    diagnostics,
    distribution,
    initializers,
    layers,
    losses,
    optimizers,
    presets,
    transfer,
)
from raikeras.functional import FunctionalStep
from raikeras.model import RelaxedModel
from raikeras.targets import (
    Gradient,
    Inferred,
    InferredErrors,
    Learned,
    RowTargetRule,
    TargetRule,
    Teacher,
)
from raikeras.training.weight_steps import ClosedForm, Joint, Local, WeightStep

__version__ = "0.2.0"

__all__ = [
    "ClosedForm",
    "FunctionalStep",
    "Gradient",
    "Inferred",
    "InferredErrors",
    "Joint",
    "Learned",
    "Local",
    "RelaxedModel",
    "RowTargetRule",
    "TargetRule",
    "Teacher",
    "WeightStep",
    "callbacks",
    "constraints",
    "data",
    "datasets",
    "diagnostics",
    "distribution",
    "initializers",
    "layers",
    "losses",
    "optimizers",
    "presets",
    "transfer",
]
