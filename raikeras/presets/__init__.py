"""The named methods. Each returns a compiled `RelaxedModel`; they differ in four choices only."""

from raikeras.presets.common import adam_with_decay, falling, growing
from raikeras.presets.locoprop import locoprop_m, locoprop_s
from raikeras.presets.predictive_coding import epc, mu_pc, pc_alm
from raikeras.presets.rai import rai_as_code, rai_as_document, rai_growing, rai_multipliers

__all__ = [
    "adam_with_decay",
    "epc",
    "falling",
    "growing",
    "locoprop_m",
    "locoprop_s",
    "mu_pc",
    "pc_alm",
    "rai_as_code",
    "rai_as_document",
    "rai_growing",
    "rai_multipliers",
]
