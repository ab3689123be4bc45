"""What a result holds: what a step of each method costs, with each optimizer."""

from experiments.results.schema import names

METHODS = "backprop layerwise fused"


def metrics(settings):
    """Of the centre; curves have the same at every point that is visited."""
    deepest = settings["deepest"]
    points = [settings["depth"], *settings["depths"]]
    methods = [one for one in METHODS.split() if min(points) <= deepest[one]]
    ratios = ["floor_ratio", *(["ratio"] if "backprop" in methods else [])]
    for optimizer in settings["optimizers"]:
        measured = ["seconds", *ratios, "first_seconds", "rows_bytes"]
        yield from names(methods, [optimizer], measured)
        yield from names(["floor"], [optimizer], ["seconds", *ratios])


def curves(settings):
    return [*metrics(settings), "depth", "units", "batch", "not_run"]
