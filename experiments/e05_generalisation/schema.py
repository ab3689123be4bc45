"""What a result holds: the chosen trial's scores on the test rows of every data set."""

from experiments.common.schemas import tabular_curves, tabular_metrics


def metrics(settings):
    return tabular_metrics(settings["sets"])


def curves(settings):
    return tabular_curves(settings["sets"])
