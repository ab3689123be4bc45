"""What a result holds: how far the deployed network's numbers grow."""

from experiments.results.schema import names

SIZES = ("largest_target", "largest_weight", "log_size_data", "log_size_grid", "not_finite_share")


def metrics(settings):
    accuracies = names("train test", ["accuracy", "accuracy_float64"])
    shape = ("edges", "edges_float32", "regions", "overfit", "log_gain")
    overflow = ("overflow_iteration", "overflow_layer", "nan_share", "any_nan", "relaxed_loss")
    return [*accuracies, *shape, *overflow, *SIZES]


def optional(settings):
    return ["hidden_moved", "output_moved"]  # the largest change of a weight


def curves(settings):
    return ["iteration", *SIZES, "overflow_layer", "relaxed_loss", "train_accuracy"]
