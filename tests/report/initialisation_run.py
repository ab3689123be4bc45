"""What made-up runs of e04 and of e07's batch sizes have of their own."""


def initialisation_part(seed):
    """Three gains and three rates; the middle one trains, and with seed 0 one more."""
    success = [[False] * 3, [seed == 0, True, False], [False] * 3]
    metrics = {"share": 0.1 + 0.1 * seed, "gain_octaves": 1.0, "rate_decades": 1.0}
    metrics |= {"rule_decades": 1.0, "cells_disagreement": None, "chosen_gain": 1.25}
    metrics |= {"chosen_rate": 1e-2, "test_accuracy": 0.99, "trained_cells": 9, "lost_cells": 1}
    metrics |= {"glorot_accuracy": 0.5, "uniform_accuracy": None, "seconds": 3.0}
    return {
        "settings": {"depth": 10, "units": 8, "iterations": 2},
        "metrics": metrics,
        "curves": {"gains": [1.0, 1.25, 1.5], "rates": [1e-3, 1e-2, 1e-1], "success": success},
    }


def batches_part(seed):
    """Two batch sizes; only the first seed was timed."""
    sizes = {"4": 0.9, "all": 0.6}
    metrics = {f"accuracy_{name}": value + 0.01 * seed for name, value in sizes.items()}
    metrics |= {"from_batches": 0.3}
    if seed == 0:
        metrics |= {f"epoch_{name}_seconds": 0.5 for name in sizes} | {"store_bytes": 4000}
    return {
        "settings": {"batch_sizes": [0, 4], "visits": 8, "hidden_weights": [1.0, 2.0]},
        "metrics": metrics,
        "curves": {
            "batch_size": [0, 4],
            "learning_rate": [1e-2, 1e-3],
            "hidden_weight": [1.0, 2.0],
            "trials": [[0.5, 0.6], [0.8, 0.9]],
        },
        "landscape": None,
    }
