"""The numbers of the study of regularisation."""

from pathlib import Path

from report.lib import latex, load, tabular
from report.studies.e06_regularisation import gaps
from report.studies.e06_regularisation.looks import EXPERIMENT


def macros(results: Path) -> dict[str, str]:
    """`\\ESixRaiNoneConcrete` is a difference to backprop without any, `...Own` to RAI."""
    runs_, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    sizes = sorted({len(load.of(runs_, one)) for one in gaps.variants(runs_)}) or [0]
    found = {
        prefix + "N": str(sizes[-1]),
        prefix + "Lost": str(sum(r["status"] == "diverged" for r in runs_)),
    }
    names = {**tabular.REGRESSION, **tabular.CLASSIFICATION, **gaps.MEANS}
    for variant in EXPERIMENT.variants:
        for name in names:
            estimate = tabular.difference(runs_, variant, name, gaps.BASE)
            key = prefix + latex.camel(variant) + latex.camel(name)
            found[key] = latex.with_interval(estimate, tabular.signed)
            if variant.startswith("rai") and variant != "rai_none":
                own = tabular.difference(runs_, variant, name, "rai_none")
                found[key + "Own"] = latex.with_interval(own, tabular.signed)
    return found
