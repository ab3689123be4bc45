"""What the study of regularisation compares: every variant with backprop without a regulariser."""

from report.lib import load, tabular
from report.studies.e06_regularisation.looks import EXPERIMENT

MEANS = {"mean_log_rmse": "mean RMSE", "mean_accuracy": "mean accuracy"}
BASE = "bp_none"


def columns(runs_: list[dict]) -> dict[str, str]:
    """The data sets that the runs have, each kind followed by its mean, with their titles."""
    found: dict[str, str] = {}
    for sets, mean in (
        (tabular.REGRESSION, "mean_log_rmse"),
        (tabular.CLASSIFICATION, "mean_accuracy"),
    ):
        names = tabular.present(runs_, sets)
        found |= {name: sets[name] for name in names}
        found |= {mean: MEANS[mean]} if names else {}
    return found


def variants(runs_: list[dict]) -> list[str]:
    """The variants that the profile has, without the one that all are held against."""
    return [name for name in EXPERIMENT.variants if name != BASE and load.of(runs_, name)]
