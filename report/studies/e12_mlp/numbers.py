"""The numbers of the study of perceptrons and MLPs."""

from pathlib import Path

import numpy as np

from report.lib import latex, load
from report.studies.e12_mlp import topics
from report.studies.e12_mlp.looks import CODINGS, EXPERIMENT


def macros(results: Path) -> dict[str, str]:
    """`\\EOneTwoRulesAdamSteps`, its interval with `CI`; settings with `Set`; EXOR's proof as
    `\\EOneTwoProofZeroOne`.
    """
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    found = {prefix + "N": latex.integer(len(load.of(runs, "gates")))}
    for variant in dict.fromkeys(run["variant"] for run in runs):
        (first, *_) = load.of(runs, variant)
        own = prefix + latex.camel(variant)
        for name in first["metrics"]:
            value, form = topics.estimate(runs, variant, name), topics.write(name)
            found[own + latex.camel(name)] = form(value.value)
            found[own + latex.camel(name) + "CI"] = latex.with_interval(value, form)
        for name, setting in first["settings"].items():
            if isinstance(setting, int | float) and not isinstance(setting, bool):
                number = latex.integer(setting) if setting == int(setting) else f"${setting:g}$"
                found[own + "Set" + latex.camel(name)] = number
    (first, *_) = load.of(runs, "gates")
    for coding in CODINGS:
        multipliers = first["curves"][f"exor_{coding}_multipliers"]
        found[prefix + "Proof" + latex.camel(coding)] = topics.vector(multipliers)
    for place in ("start", "end"):
        second = load.of(runs, "second_order")
        steepest = [max(run["curves"][f"{place}_to_gradient"]) for run in second]
        found[prefix + latex.camel(f"{place}_widest")] = latex.fixed(np.mean(steepest), 0)
    return found
