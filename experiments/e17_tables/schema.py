"""What a result holds: scores on each part at the budgets, at the best point and at the end."""

from experiments.common.schemas import CLASSIFICATION
from experiments.results.schema import names

PARTS = ("train", "valid", "test")


def scores_of(name):
    """What is measured on each part of a data set."""
    return ("accuracy", "nll") if name in CLASSIFICATION else ("rmse",)


def metrics(settings):
    for name, steps in settings["sets"].items():
        budgets = [budget for budget in settings["budgets"] if budget <= steps]
        yield from names([name], [*budgets, "best", "last"], PARTS, scores_of(name))
        yield from names([name], [*budgets, "best"], "trial")
        yield from names([name], "best_steps best_epochs seconds batch fit_rows test_rows")


def curves(settings):
    yield "trials"
    for name in settings["sets"]:
        yield from names([name], PARTS, scores_of(name))
        yield f"{name}_steps"
