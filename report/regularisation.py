"""Names, differences and macros of e06: what closes RAI's gap to backprop."""

from report import latex, load, tabular
from report.variants import VARIANTS

EXPERIMENT = "e06_regularisation"
WORDS = {
    "none": "none",
    "l1": r"$L_1$",
    "l2": r"$L_2$",
    "dropout": "dropout",
    "early": "early stopping",
    "noise": "noise on targets",
    "decay": "target decay",
    "weight": "larger weight",
    "growing": "growing weight",
    "refresh": "refresh",
    "long": r"4 $\times$ the steps",
    "growing_long": r"growing, 4 $\times$ the steps",
}
MEANS = {"mean_log_rmse": "mean RMSE", "mean_accuracy": "mean accuracy"}
BASE = "bp_none"


def title(variant: str) -> str:
    """A variant as figures and tables name it."""
    method, _, name = variant.partition("_")
    return f"{method.upper()}, {WORDS[name]}"


def columns(runs_: list[dict]) -> dict[str, str]:
    """The data sets that the runs have, each kind followed by its mean, with their titles."""
    found = {}
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
    return [name for name in VARIANTS[EXPERIMENT] if name != BASE and load.of(runs_, name)]


def macros(runs_: list[dict], experiment: str) -> dict[str, str]:
    """Numbers of the text: `\\ESixRaiNoneConcrete` is a difference to backprop without any."""
    sizes = sorted({len(load.of(runs_, one)) for one in variants(runs_)}) or [0]
    found = {
        "ESixN": str(sizes[-1]),
        "ESixLost": str(sum(r["status"] == "diverged" for r in runs_)),
    }
    names = {**tabular.REGRESSION, **tabular.CLASSIFICATION, **MEANS}
    for variant in VARIANTS[experiment]:
        for name in names:
            estimate = tabular.difference(runs_, variant, name, BASE)
            key = "ESix" + latex.camel(variant) + latex.camel(name)
            found[key] = latex.with_interval(estimate, tabular.signed)
            if variant.startswith("rai") and variant != "rai_none":
                own = tabular.difference(runs_, variant, name, "rai_none")
                found[key + "Own"] = latex.with_interval(own, tabular.signed)
    return found
