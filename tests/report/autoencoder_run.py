"""What made-up runs of e09 and e10 have of their own."""

import numpy as np

from report.studies.e09_matching.functions import CHECKS, FUNCTIONS


def autoencoder_part(seed):
    """Losses that fall over two looks, and two trials of which the second one was chosen."""
    losses = [100.0, 20.0, 10.0 + seed]
    return {
        "settings": {
            "method": "adam",
            "epochs": 2,
            "hidden_units": [16, 12],
            "code_units": 4,
            "train_examples": 40,
            "test_examples": 20,
            "batch_size": 20,
            "trials": 2,
        },
        "metrics": {
            "train_excess": losses[-1],
            "test_excess": 11.0,
            "train_floor": 20.0,
            "test_floor": 21.0,
            "milliseconds": 2.0,
            "seconds": 0.008,
            "step_evaluations": 1.0,
            "gradient_evaluations": 4.0,
            "trial": 1,
        },
        "curves": {
            "epoch": [0, 1, 2],
            "gradient_evaluations": [0.0, 2.0, 4.0],
            "seconds": [0.0, 0.004, 0.008],
            "train_excess": losses,
            "test_excess": losses,
            "trial_values": [[1e-3, 0.9], [1e-2, 0.9]],
            "trial_excess": [None, 12.0],
        },
        "landscape": None,
    }


def matching_part(seed):
    """The same errors for all functions, none where there is no dual, and a straight gallery."""
    x = np.linspace(-1, 1, 5).tolist()
    errors = {
        f"{name}_{key}": 1e-8 * (key != "zero")
        for name in FUNCTIONS
        for key in sum(CHECKS.values(), ())
    }
    lines = ("f", "integral", "divergence_0", "divergence_1")
    return {
        "settings": {"drawn_targets": [-0.5, 0.5]},
        "metrics": errors
        | dict.fromkeys(("matching_error", "backprop_error", "fixed_point_error"), 2e-6),
        "curves": {"x": x} | {f"{name}_{line}": x for name in FUNCTIONS for line in lines},
        "landscape": None,
    }
