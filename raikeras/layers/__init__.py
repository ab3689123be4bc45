"""Public layers, one file each."""

from raikeras.layers.alpha_norm import AlphaNorm
from raikeras.layers.relaxed import Relaxed
from raikeras.layers.relu_alpha import ReLUAlpha

__all__ = ["AlphaNorm", "ReLUAlpha", "Relaxed"]
