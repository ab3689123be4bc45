"""The numbers of the study of perceptrons and MLPs."""

from pathlib import Path

import numpy as np

from report.lib import latex, load
from report.studies.e12_mlp import topics
from report.studies.e12_mlp.looks import CODINGS, EXPERIMENT, RULES


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
        found |= {own + "Set" + name: text for name, text in _settings(first["settings"]).items()}
    (first, *_) = load.of(runs, "gates")
    for coding in CODINGS:
        multipliers = first["curves"][f"exor_{coding}_multipliers"]
        found[prefix + "Proof" + latex.camel(coding)] = topics.vector(multipliers)
    for place in ("start", "end"):
        second = load.of(runs, "second_order")
        steepest = [max(run["curves"][f"{place}_to_gradient"]) for run in second]
        found[prefix + latex.camel(f"{place}_widest")] = latex.fixed(np.mean(steepest), 0)
    reached = [
        topics.estimate(runs, variant, f"{rule}_reached_share").value
        for variant in ("rules", "rules_full")
        for rule in RULES
    ]
    return found | {prefix + "RulesLeastReached": topics.write("share")(min(reached))}


def _settings(settings: dict) -> dict[str, str]:
    """Numbers as they stand in a sentence, shares also in per cent; of lists length and ends."""
    found = {}
    for name, setting in settings.items():
        macro, number = latex.camel(name), isinstance(setting, int | float)
        if number and not isinstance(setting, bool):
            found[macro] = _number(setting)
            found[macro + "Percent"] = rf"{_number(100 * setting)}\,\%"
        elif isinstance(setting, list):
            found[macro + "Count"] = str(len(setting))
            found[macro + "First"], found[macro + "Last"] = map(_number, (setting[0], setting[-1]))
    return found


def _number(value: float) -> str:
    """Without digits that say nothing: 1000, 0.1, a power of ten alone."""
    return rf"\num[print-unity-mantissa=false]{{{value:.10g}}}"
