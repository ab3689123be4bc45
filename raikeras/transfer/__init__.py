"""Transfer functions, their convex integrals and matching losses; `get` finds, `register` adds."""

from raikeras.transfer.base import Transfer
from raikeras.transfer.functions import (
    ELU,
    Arctan,
    LeakyReLU,
    Linear,
    Sigmoid,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from raikeras.transfer.registry import get, register

__all__ = [
    "ELU",
    "Arctan",
    "LeakyReLU",
    "Linear",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Step",
    "Tanh",
    "Transfer",
    "get",
    "register",
]
