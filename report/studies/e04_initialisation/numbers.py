"""The numbers of the phase diagrams."""

from pathlib import Path

from report.lib import latex, load
from report.studies.e04_initialisation import regions
from report.studies.e04_initialisation.looks import EXPERIMENT, METHODS, WIDE


def macros(results: Path) -> dict[str, str]:
    """All numbers of the text: `\\EFourRaiOneZeroRateDecades`, with `CI` the interval behind it."""
    runs, prefix, found = load.runs(results, EXPERIMENT), latex.prefix(EXPERIMENT), {}
    for variant in EXPERIMENT.variants:
        for name, write in regions.WRITE.items():
            value = regions.estimate(runs, variant, name)
            macro = prefix + latex.camel(f"{variant}_{name}")
            found[macro] = write(value.value)
            found[macro + "CI"] = latex.with_interval(value, write)
    for method in METHODS:
        equal, count = regions.agreement(runs, method)
        found[f"{prefix}Wide{method.capitalize()}Agree"] = f"{equal} of {count}"
    narrow = [variant for by in regions.variants(runs).values() for variant in by.values()]
    counts = sorted({len(load.of(runs, variant)) for variant in narrow})
    settings = runs[0]["settings"] if runs else {}
    found[prefix + "N"] = latex.integer(counts[-1]) if counts else "0"
    lost = sum(run["metrics"].get("lost_cells") or 0 for run in runs)
    found[prefix + "LostCells"] = latex.integer(lost)
    total = sum(run["metrics"].get("trained_cells") or 0 for run in runs)
    found[prefix + "Cells"] = latex.integer(total)
    for name in ("units", "iterations"):
        found[prefix + name.capitalize()] = latex.integer(settings.get(name, 0))
    wide = [run["settings"]["units"] for v in WIDE.values() for run in load.of(runs, v)]
    return found | {prefix + "WideUnits": latex.integer(max(wide, default=0))}
