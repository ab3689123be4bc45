"""How the one variant of the matching losses is called."""

from report.lib.looks import Experiment, Variant

EXPERIMENT = Experiment("e09_matching", {"library": Variant("library", 0, "solid", "o", False)})
