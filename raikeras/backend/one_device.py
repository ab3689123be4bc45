"""The backends' functions about devices, where Keras spreads no model over several of them."""

from typing import Any

import keras

from raikeras.typing import Tensor


def layers_sharding() -> Any:
    """What chains are spread over on JAX: `None`, for Keras has no such thing here."""
    return None


def is_spread(variable: keras.Variable) -> bool:
    """Whether devices hold some layers of a variable each: none does."""
    return False


def whole(tensor: Tensor) -> Tensor:
    """A tensor that every process can read; here they all can."""
    return tensor


def processes() -> tuple[int, int]:
    """Which process this is, and of how many that train one model: none does with others."""
    return 0, 1


def meet(where: str) -> None:
    """Returns when all processes have come here: there is one."""


def agreed(choice: bool) -> bool:
    """What the first process chose, in all of them."""
    return choice
