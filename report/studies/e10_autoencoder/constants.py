"""What the autoencoder's protocol fixes outside of its settings, read from the experiment's code.

The code itself is not imported: it needs Keras, which the report does without.
"""

import ast

from report.lib.sources import ROOT, parse

FOLDER = ROOT / "experiments" / "e10_autoencoder"
NAMES = {"methods.py": ("WARM_UP", "LOCAL_STEPS", "ITERATIONS"), "contest.py": ("TUNED_ON",)}


def read() -> dict[str, int]:
    """Whole numbers by name; of a tuple how many entries it has."""
    found = {}
    for file, names in NAMES.items():
        for node in parse(FOLDER / file).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name in names:
                    value = ast.literal_eval(node.value)
                    found[name] = len(value) if isinstance(value, tuple) else value
    return found
