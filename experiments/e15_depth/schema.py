"""What a result holds: one training, or which of several rates or gains work."""

from experiments.results.schema import names


def metrics(settings):
    if _is_line(settings):
        return ["works_share", "decades", "seconds", "iterations"]
    return [
        *("train_accuracy", "test_accuracy", "train_loss", "relaxed_loss"),
        *names("readout", ["train_accuracy", "test_accuracy"]),
        *("seconds", "start_seconds", "iterations", "layers_reached", "products_in_a_row"),
    ]


def curves(settings):
    if _is_line(settings):
        return ["setting", "test_accuracy"]
    return names("iteration seconds objective train_accuracy test_accuracy deployed_loss")


def _is_line(settings):
    return len(settings["learning_rates"]) * max(1, len(settings["gains"])) > 1
