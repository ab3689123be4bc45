"""Made-up results of the experiment on limits, for the report's tests."""

import numpy as np


def limits_part(seed):
    """Sizes that grow until a third of the landscape is no number."""
    size, layers = 6, 9
    classes = np.add.outer(np.arange(size), np.arange(size)) % 2
    permille = [None if k % 3 == 0 else 500 + k for k in range(size * size)]
    sizes = np.linspace(0.5, 42.0 + seed, layers).tolist()
    steps = len([0, 5, 10])
    return {
        "settings": {"activation": "relu", "units": 8, "relaxed": "all", "iterations": 10}
        | {"measured": [0, 5, 10], "together": False, "landscape": True, "decay": 0.0},
        "metrics": {
            "relaxed_loss": 0.01,
            "train_accuracy": 0.5,
            "test_accuracy": 0.45,
            "test_accuracy_float64": 0.5,
            "overfit": 0.05,
            "nan_share": 0.3,
            "any_nan": 1.0,
            "not_finite_share": 0.6,
            "log_gain": 0.4,
            "edges": 0.1,
            "edges_float32": 0.2,
            "regions": 7,
            "largest_weight": 20.0,
            "largest_target": 4.0,
            "log_size_data": 39.0,
            "log_size_grid": 42.0,
            "overflow_iteration": 10.0,
            "overflow_layer": 8.0,
        },
        "curves": {"iteration": [0, 5, 10], "log_size_grid": [0.0, 12.0, None]}
        | {name: [0.5] * steps for name in ("train_accuracy", "relaxed_loss")},
        "landscape": {
            "low": -3.0,
            "high": 3.0,
            "resolution": size,
            "permille": permille,
            "classes": classes.ravel().tolist(),
            "log_size_data": sizes,
            "log_size_grid": sizes,
        },
    }
