"""What a result of very deep nets (e15) has, made up: used by test_report."""


def depth_part(seed):
    """Metrics, settings and curves that the report reads."""
    return {
        "settings": {"depth": 6, "units": 8, "iterations": 4, "method": "rai"},
        "metrics": {
            "train_accuracy": 1.0,
            "test_accuracy": 0.99,
            "readout_test_accuracy": 0.98,
            "train_loss": 0.1,
            "seconds": 1.0,
            "iterations": 4,
            "layers_reached": 4,
            "products_in_a_row": 8,
            "works_share": 0.5,
            "decades": 1.0,
        },
        "curves": {
            "iteration": [0, 4],
            "seconds": [0.0, 1.0],
            "test_accuracy": [0.5, 0.99],
            "setting": [1e-3, 1e-2],
        },
    }
