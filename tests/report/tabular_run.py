"""What made-up runs of e05 and e06 have of their own."""

from report.lib import tabular


def tabular_part(seed):
    """The same errors on every data set, slightly other ones on every split."""
    metrics = {"mean_log_rmse": 1.0 + 0.1 * seed, "mean_accuracy": 0.9}
    for name in tabular.TITLES:
        metrics |= {f"{name}_trial": seed % 2, f"{name}_seconds": 0.1, f"{name}_steps": 4}
        if name in tabular.REGRESSION:
            metrics |= {f"{name}_rmse": 3.0 + seed, f"{name}_log_rmse": 1.1 + 0.1 * seed}
        else:
            metrics |= {f"{name}_accuracy": 0.9, f"{name}_ece": 0.05, f"{name}_nll": 0.3}
    bins = {"bin_count": [0, 4], "bin_confidence": [0.0, 3.6], "bin_right": [0.0, 3.0]}
    curves = {f"{name}_{key}": v for name in tabular.CLASSIFICATION for key, v in bins.items()}
    return {
        "settings": {"method": "bp", "hidden_units": [4, 4], "steps": 4, "batch_size": 64},
        "metrics": metrics,
        "curves": curves | {"trials": [{"rate": 0.1}, {"rate": 0.2, "strength": 1.0}]},
        "landscape": None,
    }
