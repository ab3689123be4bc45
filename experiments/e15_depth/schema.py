"""What a result holds: a training, and what its start is worth."""

from experiments.results.schema import names


def metrics(settings):
    return [
        *("train_accuracy", "test_accuracy", "train_loss", "relaxed_loss"),
        *names("readout", ["train_accuracy", "test_accuracy"]),
        *("seconds", "start_seconds", "iterations", "layers_reached", "products_in_a_row"),
    ]


def curves(settings):
    return names("iteration seconds objective train_accuracy test_accuracy deployed_loss")
