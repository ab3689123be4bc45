"""The backends' functions about random numbers, where all of them follow from Keras' variables."""

import numpy as np


def random_state(seed: int | None = None) -> list[np.ndarray]:
    """What random numbers follow from beside the variables of seed generators: nothing."""
    return []


def set_random_state(state: list[np.ndarray]) -> None:
    """Has random numbers follow from a `random_state`."""
