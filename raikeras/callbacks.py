"""Callbacks: what they save, restore or record is said where they are defined."""

from raikeras.backup.callback import Backup
from raikeras.diagnostics.alignment import GradientAlignment
from raikeras.diagnostics.alpha_history import AlphaHistory
from raikeras.diagnostics.norms import GradientNorms

__all__ = ["AlphaHistory", "Backup", "GradientAlignment", "GradientNorms"]
