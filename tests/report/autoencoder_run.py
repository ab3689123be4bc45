"""What made-up runs of e09 and e10 have of their own."""

import numpy as np

from report.studies.e09_matching.functions import ERRORS, FUNCTIONS


def autoencoder_part(seed):
    """Losses that fall over two epochs of one second each, and two images of two by two pixels."""
    losses = [540.0, 200.0, 100.0 + seed]
    final = {"train_loss": losses[-1], "test_loss": 110.0, "train_error": 0.02, "test_error": 0.03}
    return {
        "settings": {"method": "adam", "dataset": "digits", "learning_rate": 1e-3},
        "metrics": final | {"seconds": 2.0, "milliseconds": 9.0, "epochs": 2, "iterations": 4},
        "curves": {
            "iteration": [0, 2, 4],
            "epoch": [0, 1, 2],
            "seconds": [0.0, 1.0, 2.0],
            "train_loss": losses,
        },
        "landscape": {"size": 2, "originals": [[0, 9, 9, 0]] * 2, "reconstructions": [[9] * 4] * 2},
    }


def matching_part(seed):
    """The same errors for all functions, none where there is no dual, and a straight gallery."""
    x = np.linspace(-1, 1, 5).tolist()
    errors = {f"{name}_{key}": 1e-8 * (key != "zero") for name in FUNCTIONS for key in ERRORS}
    lines = ("f", "integral", "divergence_0", "divergence_1")
    return {
        "settings": {"drawn_targets": [-0.5, 0.5]},
        "metrics": errors
        | dict.fromkeys(("matching_error", "backprop_error", "fixed_point_error"), 2e-6),
        "curves": {"x": x} | {f"{name}_{line}": x for name in FUNCTIONS for line in lines},
        "landscape": None,
    }
