"""What a result holds: residuals, and what they do to the deployed network."""

from experiments.results.schema import names


def _measures():
    return [*names("task deployed predicted", "loss"), *names("bound price discount", "orders")]


def metrics(settings):
    return [*_measures(), "prediction_orders", "test_accuracy"]


def curves(settings):
    return ["iteration", *_measures(), *names("residual secant", "orders")]
