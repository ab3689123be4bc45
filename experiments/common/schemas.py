"""Names that the results of several studies share; without Keras, for the report reads them."""

from collections.abc import Iterator

from experiments.results.schema import names

LOSSES = ("relaxed_loss", "task_loss", "hidden_loss")
# Of a network on Moons, watched while it trains.
MOONS_METRICS = (
    *names("train test", "accuracy loss"),
    *LOSSES,
    *("deployment_gap", "seconds", "compile_seconds", "iterations"),
)
MOONS_CURVES = (
    *names("train test", "accuracy"),
    *LOSSES,
    *("deployed_loss", "test_loss", "iteration", "seconds"),
)
# Sets of which the outputs are class scores; all others are regressions.
CLASSIFICATION = ("digits", "breast_cancer", "wine", "mnist", "fashion_mnist")


def tabular_metrics(sets: list[str]) -> Iterator[str]:
    """What is measured on each data set."""
    for name in sets:
        scores = "accuracy nll ece" if name in CLASSIFICATION else "rmse log_rmse"
        yield from names([name], f"{scores} trial test_rows seconds steps batch")


def tabular_curves(sets: list[str]) -> list[str]:
    """The trials, and the reliability by bin of confidence."""
    scored = [name for name in sets if name in CLASSIFICATION]
    return ["trials", *names(scored, "bin", "count confidence right")]
