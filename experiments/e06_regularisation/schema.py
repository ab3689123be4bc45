"""What a result holds: scores by data set, and their means over the sets of each kind."""

from experiments.common.schemas import tabular_curves, tabular_metrics


def metrics(settings):
    sets = settings["regression"] + settings["classification"]
    means = {"mean_log_rmse": settings["regression"], "mean_accuracy": settings["classification"]}
    return [*tabular_metrics(sets), *(name for name, found in means.items() if found)]


def curves(settings):
    return tabular_curves(settings["regression"] + settings["classification"])
