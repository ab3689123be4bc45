"""What a result holds: errors and their slopes in the width, by fit, target, dimension and norm."""

from experiments.results.schema import names

FITS, TARGETS, NORMS = "solved trained", "smooth kinked step", "sup rms"


def metrics(settings):
    dimensions = [f"d{d}" for d in settings["dimensions"]]
    return [
        *names(FITS, TARGETS, dimensions, NORMS, "slope error"),
        *names(FITS, TARGETS, NORMS, "slope error"),
        *names(TARGETS, dimensions, NORMS, "orders"),
        *names(TARGETS, "rms", "orders"),
        *(["interpolation_share"] if settings["activation"] == "relu" else []),
    ]


def curves(settings):
    dimensions = [f"d{d}" for d in settings["dimensions"]]
    construction = ["interpolation", "bound"] if settings["activation"] == "relu" else []
    return [*names(FITS, TARGETS, dimensions, NORMS), *construction]
