"""What a result holds: the step time of each method."""

from experiments.results.schema import names


def metrics(settings):
    return names("backprop s s_closed m inferred", "seconds first_seconds ratio")


def curves(settings):
    return []
