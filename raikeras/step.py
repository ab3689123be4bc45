"""Where `raikeras.training.step` was before 0.2: gone in 0.3."""

import warnings

from raikeras.training.step import Step, run_step, targets_of

__all__ = ["Step", "run_step", "targets_of"]

warnings.warn(
    "raikeras.step is raikeras.training.step since 0.2; the old name goes in 0.3.",
    DeprecationWarning,
    stacklevel=2,
)
