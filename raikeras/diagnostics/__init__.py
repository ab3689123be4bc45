"""What a trained network decides, how much runs differ, and how sharp each layer is."""

from raikeras.diagnostics.fisher import layer_fisher
from raikeras.diagnostics.landscape import Landscape, boundary_disagreement, decision_landscape
from raikeras.diagnostics.norms import gradient_norms

__all__ = [
    "Landscape",
    "boundary_disagreement",
    "decision_landscape",
    "gradient_norms",
    "layer_fisher",
]
