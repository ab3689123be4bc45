"""What a result holds: the network watched while it trains."""

from experiments.common.schemas import MOONS_CURVES, MOONS_METRICS


def metrics(settings):
    return MOONS_METRICS


def curves(settings):
    return MOONS_CURVES
