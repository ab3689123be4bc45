"""What a result holds: scores at the end of each length, at the best point and at the last one."""

from experiments.common.schemas import CLASSIFICATION
from experiments.results.schema import names

PARTS = ("train", "valid", "test")


def scores_of(name):
    """What is measured on each part of a data set."""
    return ("accuracy", "nll") if name in CLASSIFICATION else ("rmse",)


def metrics(settings):
    lengths, scores = settings["lengths"], scores_of(settings["dataset"])
    yield from names([*lengths, "best", "last"], PARTS, scores)
    yield from names([*lengths, "best"], "trial")
    yield from ("best_length", "best_steps", "best_epochs")
    yield from ("seconds", "batch", "fit_rows", "test_rows")


def curves(settings):
    lengths, scores = settings["lengths"], scores_of(settings["dataset"])
    yield "trials"
    yield from names(lengths, PARTS, scores)
    yield from names(lengths, "steps")
