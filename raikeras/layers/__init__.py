"""Public layers, one file each."""

from raikeras.layers.relaxed import Relaxed

__all__ = ["Relaxed"]
