"""What a result holds: accuracies of the deployed network, what the start has, and the price."""

from experiments.results.schema import names


def metrics(settings):
    return [
        *names("train held_out test readout", "accuracy"),
        *("learning_rate", "hidden_weight", "step_milliseconds", "critical_path"),
    ]


def curves(settings):
    return ["steps", "trials", *names("train test", "accuracy")]
