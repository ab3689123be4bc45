"""Where `raikeras.training.weight_steps` was before 0.2: gone in 0.3."""

import warnings

from raikeras.training.weight_steps import ClosedForm, Joint, Local, WeightStep

__all__ = ["ClosedForm", "Joint", "Local", "WeightStep"]

warnings.warn(
    "raikeras.weight_steps is raikeras.training.weight_steps since 0.2; the old name goes in 0.3.",
    DeprecationWarning,
    stacklevel=2,
)
