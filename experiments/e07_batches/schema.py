"""What a result holds: accuracies by batch size; times and bytes in the run that is timed."""

from experiments.results.schema import names


def metrics(settings):
    sizes = [size or "all" for size in settings["batch_sizes"]]
    found = names(["accuracy"], sizes)
    return found + (["from_batches"] if 0 in settings["batch_sizes"] else [])


def optional(settings):
    """What the first seed alone has, which is timed; accuracy with whole batches and many steps."""
    sizes = [size or "all" for size in settings["batch_sizes"]]
    return [*names(["epoch"], sizes, ["seconds"]), "store_bytes", "accuracy_long"]


def curves(settings):
    return names("batch_size learning_rate hidden_weight trials")
