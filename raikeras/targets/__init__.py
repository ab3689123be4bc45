"""Where the targets come from: one rule a file; any subclass of `TargetRule` is one."""

from raikeras.targets.base import RowTargetRule, TargetRule, Targets
from raikeras.targets.gradient import Gradient
from raikeras.targets.inferred import Inferred
from raikeras.targets.inferred_errors import InferredErrors
from raikeras.targets.learned import Learned
from raikeras.targets.teacher import Teacher

__all__ = [
    "Gradient",
    "Inferred",
    "InferredErrors",
    "Learned",
    "RowTargetRule",
    "TargetRule",
    "Targets",
    "Teacher",
]
