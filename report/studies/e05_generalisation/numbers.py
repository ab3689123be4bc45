"""The numbers of the methods on tables and on images."""

from pathlib import Path

from report.lib import latex, load, stats, tabular
from report.lib.looks import Experiment
from report.studies.e05_generalisation import methods
from report.studies.e05_generalisation.looks import IMAGES, TABLES


def macros(results: Path) -> dict[str, str]:
    """`\\EFiveGeneralisationInferredConcrete` is a difference to backprop."""
    of_tables, of_images = (load.runs(results, one) for one in (TABLES, IMAGES))
    critical = latex.fixed(methods.critical_difference(of_tables), 2)
    return {
        **_macros(of_tables, TABLES, methods.NAMES, methods.mean_ranks(of_tables)),
        latex.prefix(TABLES) + "Critical": critical,
        **_macros(of_images, IMAGES, [*tabular.IMAGES], {}),
    }


def _macros(
    runs_: list[dict], experiment: Experiment, names: list[str], ranks: dict[str, stats.Estimate]
) -> dict[str, str]:
    """Those of one experiment on data sets with these names."""
    own = latex.prefix(experiment)
    sizes = sorted({len(load.of(runs_, variant)) for variant in methods.present(runs_)}) or [0]
    found = {own + "N": str(sizes[-1])}
    found[own + "Lost"] = str(sum(run["status"] == "diverged" for run in runs_))
    for variant in experiment.variants:
        prefix = own + latex.camel(variant)
        found[prefix + "Rank"] = latex.with_interval(ranks.get(variant, stats.mean([])), _two)
        error = methods.calibration(runs_, variant)
        found[prefix + "Ece"] = latex.with_interval(error, latex.fixed)
        for which, sets in (("Regression", tabular.REGRESSION), ("Classification", names)):
            chosen = [n for n in sets if which == "Regression" or n not in tabular.REGRESSION]
            mean = tabular.mean_difference(runs_, variant, chosen)
            found[prefix + which] = latex.with_interval(mean, tabular.signed)
        places = [tabular.within(tabular.difference(runs_, variant, n), n) for n in names]
        found |= {
            prefix + word.capitalize(): str(places.count(word)) for word in ("holds", "fails")
        }
        for name in names:
            estimate = tabular.difference(runs_, variant, name)
            found[prefix + latex.camel(name)] = latex.with_interval(estimate, tabular.signed)
            score = tabular.metric(name).replace("log_", "")
            iqm = tabular.interquartile(tabular.by_split(runs_, variant, score).values())
            found[prefix + latex.camel(name) + "Score"] = latex.significant(iqm.value, 3)
    return found


def _two(value: float) -> str:
    return latex.fixed(value, 2)
