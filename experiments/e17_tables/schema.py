"""What a result holds: scores at the end of each length, at the best point and at the last one."""

from experiments.common.schemas import CLASSIFICATION
from experiments.results.schema import names

PARTS = ("train", "valid", "test")


def scores_of(name):
    """What is measured on each part of a data set."""
    return ("accuracy", "nll") if name in CLASSIFICATION else ("rmse",)


def metrics(settings):
    for name, lengths in settings["sets"].items():
        yield from names([name], [*lengths, "best", "last"], PARTS, scores_of(name))
        yield from names([name], [*lengths, "best"], "trial")
        yield from names([name], "best_length best_steps best_epochs")
        yield from names([name], "seconds batch fit_rows test_rows")


def curves(settings):
    yield "trials"
    for name, lengths in settings["sets"].items():
        yield from names([name], lengths, PARTS, scores_of(name))
        yield from names([name], lengths, "steps")
