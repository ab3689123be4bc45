"""The numbers of the study of limits."""

from pathlib import Path

from report.lib import latex, load, stats
from report.studies.e08_limits.estimates import LEVEL, WRITE, estimates
from report.studies.e08_limits.looks import EXPERIMENT

PROTOCOL = ("depth", "units", "iterations")  # of which the text speaks


def macros(results: Path) -> dict[str, str]:
    """By variant and metric, `\\EEightAsCodeSetDepth` and so on, and how many runs overflowed."""
    runs, prefix = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT)
    sizes = sorted({len(load.of(runs, variant)) for variant in EXPERIMENT.variants} - {0}) or [0]
    found = {prefix + "N": str(sizes[0]) + (f" to {sizes[-1]}" if len(sizes) > 1 else "")}
    for variant in EXPERIMENT.variants:
        own, chosen = prefix + latex.camel(variant), load.of(runs, variant)
        values = estimates(runs, variant)
        for name, write in WRITE.items():
            value = values.get(name, stats.mean([]))
            found[own + latex.camel(name)] = write(value.value)
            found[own + latex.camel(name) + "CI"] = latex.with_interval(value, write)
        found[own + "Runs"] = str(len(chosen))
        lost = [run["metrics"].get("overflow_iteration") is not None for run in chosen]
        found[own + "Overflowed"] = str(sum(lost))
        for name in PROTOCOL:
            size = chosen[0]["settings"].get(name, 0) if chosen else 0
            found[own + "Set" + latex.camel(name)] = latex.integer(size)
    return found | {prefix + "Level": latex.percent(LEVEL).removesuffix(".0")}
