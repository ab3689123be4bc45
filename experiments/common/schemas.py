"""Names that the results of several studies share; without Keras, for the report reads them."""

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
