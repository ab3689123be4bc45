"""How the methods of the study of depth that must be trained are called and drawn."""

from report.lib.looks import Experiment, Variant, told_apart

METHODS = {  # what they are called, and their colours
    "bp": ("BP", 0),
    "bp_full": ("BP, full batch", 5),
    "bp_last": ("BP, last layers", 7),
    "bp_residual": ("BP, skip connections", 9),
    "pc_alm": ("inferred, multipliers", 3),
    "inferred": ("inferred, penalty", 2),
    "rows": ("RAI, multipliers", 1),
    "mu_pc": ("muPC", 4),
}
DEPTHS = (10, 30, 100, 300, 1000)
TRAINED = {  # depths of every method on the bottleneck
    "bp": DEPTHS,
    "bp_full": DEPTHS[:2],
    "bp_last": DEPTHS[:3],
    "bp_residual": DEPTHS,
    "pc_alm": DEPTHS[:3],
    "inferred": DEPTHS[:2],
    "rows": DEPTHS[:3],
    "mu_pc": DEPTHS[:2],
}
SPIRALS = {  # variants on the spirals and their methods
    "bp": "bp",
    "bp_last": "bp_last",
    "bp_residual": "bp_residual",
    "pc_alm": "pc_alm",
    "pc_alm_8": "pc_alm",
    "pc_alm_32": "pc_alm",
    "inferred": "inferred",
    "rows": "rows",
    "mu_pc": "mu_pc",
}
MARKERS = "ohsD^vP>"


def _look(method: str, more: str) -> Variant:
    label, colour = METHODS[method]
    return Variant(f"{label}{more}", colour, "solid", "o", not method.startswith("bp"))


def _steps(variant: str) -> str:
    steps = variant.rpartition("_")[2]
    return f", {steps} steps a layer" if steps.isdigit() else ""


BOTTLENECK = Experiment(
    "e19_bottleneck",
    told_apart(
        {f"{one}_{d}": _look(one, f", {d} layers") for one in TRAINED for d in TRAINED[one]},
        MARKERS,
    ),
    partial=True,
    named=True,
)
ON_SPIRALS = Experiment(
    "e19_spirals",
    told_apart(
        {variant: _look(method, _steps(variant)) for variant, method in SPIRALS.items()}, MARKERS
    ),
    partial=True,
    named=True,
)
