"""What the reports on e05 and e06 share: data sets, paired differences to backprop, choices."""

from pathlib import Path

import numpy as np

from report.lib import latex, load, setting_tables, stats
from report.lib.looks import Experiment

REGRESSION = {
    "concrete": "concrete",
    "energy": "energy",
    "kin8nm": "kin8nm",
    "power-plant": "power plant",
    "wine-quality-red": "red wine",
    "diabetes": "diabetes",
}
CLASSIFICATION = {"digits": "digits", "breast_cancer": "breast cancer", "wine": "wine"}
IMAGES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
TITLES = REGRESSION | CLASSIFICATION | IMAGES
TOLERANCE = {"regression": 2.0, "classification": 1.0}  # per cent of RMSE, points of accuracy


def kind(name: str) -> str:
    """Whether a data set is one of regression or classification."""
    return "regression" if name in REGRESSION or name == "mean_log_rmse" else "classification"


def metric(name: str) -> str:
    """The metric that differences are taken of."""
    if name.startswith("mean_"):
        return name
    return f"{name}_log_rmse" if name in REGRESSION else f"{name}_accuracy"


def runs(results: Path, experiments: tuple[Experiment, ...]) -> list[dict]:
    """The runs of several experiments with the same variants."""
    return [run for one in experiments for run in load.runs(results, one)]


def by_split(runs_: list[dict], variant: str, name: str) -> dict[int, float]:
    """A metric by split; NaN where the chosen net diverged. Splits without it are left out."""
    found = {}
    for run in load.of(runs_, variant):
        if name in run["metrics"]:
            value = run["metrics"][name]
            found[run["seed"]] = np.nan if value is None else float(value)
    return found


def present(runs_: list[dict], names) -> list[str]:
    """Those of some data sets that any run has."""
    return [name for name in names if any(metric(name) in run["metrics"] for run in runs_)]


def difference(runs_: list[dict], variant: str, name: str, other: str = "bp") -> stats.Estimate:
    """A variant minus another on the same split: per cent of RMSE, or points of accuracy."""
    own, base = (by_split(runs_, one, metric(name)) for one in (variant, other))
    return _scaled(stats.mean([own[k] - base[k] for k in own if k in base]), kind(name))


def mean_difference(runs_: list[dict], variant: str, names, other: str = "bp") -> stats.Estimate:
    """The same, as the mean over data sets of one kind; a split is drawn for all of them."""
    names = present(runs_, names)
    if not names:
        return stats.mean([])
    pairs = [[by_split(runs_, one, metric(n)) for one in (variant, other)] for n in names]
    splits = [k for k in pairs[0][0] if all(k in part for pair in pairs for part in pair)]
    values = [np.mean([own[k] - base[k] for own, base in pairs]) for k in splits]
    return _scaled(stats.mean(values), kind(names[0]))


def _scaled(estimate: stats.Estimate, which: str) -> stats.Estimate:
    change = np.expm1 if which == "regression" else np.asarray
    value, draws = (100 * change(part) for part in (estimate.value, estimate.draws))
    return estimate._replace(value=float(value), draws=draws)


def within(estimate: stats.Estimate, name: str) -> str:
    """How a difference lies to the tolerance: `holds`, `fails` or `open` (interval on both)."""
    if not np.isfinite([estimate.low, estimate.high]).all():
        return "open"
    bound = TOLERANCE[kind(name)]
    low, high = estimate.low, estimate.high
    if kind(name) == "classification":
        low, high = -high, -low
    return "holds" if high <= bound else "fails" if low > bound else "open"


def interquartile(values) -> stats.Estimate:
    """The mean of the middle half, with the bootstrap over runs."""
    values = np.asarray([value for value in values if np.isfinite(value)], dtype=float)
    n, cut = values.size, values.size // 4
    if not n:
        return stats.mean([])
    drawn = np.random.default_rng([2026, 0]).integers(n, size=(stats.RESAMPLES, n))
    middle = np.sort(values[drawn], axis=1)[:, cut : n - cut].mean(axis=1)
    return stats.Estimate(float(np.sort(values)[cut : n - cut].mean()), middle, n)


def signed(value: float) -> str:
    """A difference with one decimal and its sign."""
    if not np.isfinite(value):
        return latex.NONE
    text = latex.fixed(value, 1)
    if text.endswith("$0.0") or text == "0.0":
        return "0.0"
    return f"$+${text}" if value > 0 else text


def trials(runs_: list[dict], variant: str) -> list[tuple[str, int]]:
    """The settings of a variant as text and how often held-out rows chose each."""
    chosen = load.of(runs_, variant)
    listed: list[dict] = next(filter(None, (run["curves"].get("trials") for run in chosen)), [])
    picks = [
        int(value)
        for run in chosen
        for key, value in run["metrics"].items()
        if key.endswith("_trial") and value is not None
    ]
    words = [", ".join(f"{latex.escape(k)} {v:g}" for k, v in one.items()) for one in listed]
    return [(text, picks.count(number)) for number, text in enumerate(words)]


def trials_table(runs_: list[dict], titles: dict[str, str], heading: str, own, width: float) -> str:
    """One row per variant: what held-out rows chose among; what all have in the last row.

    Args:
        runs_: runs of one experiment.
        titles: the variants and their names in the table.
        heading: what stands over the trials.
        own: settings that are not the same in all runs, or that no run has a use for.
        width: of the column of trials, as a share of the text's width.
    """
    lines = []
    for variant, title in titles.items():
        tried = trials(runs_, variant)
        total = sum(count for _, count in tried) or 1
        words = [rf"{text} ({100 * count / total:.0f}\,\%)" for text, count in tried]
        lines += [f"{title} & {'; '.join(words)}"] if tried else []
    if lines:
        shared = {
            k: setting_tables.text(v) for k, v in runs_[0]["settings"].items() if k not in own
        }
        lines += setting_tables.common(shared, 2)
    columns = rf"l>{{\raggedright\arraybackslash}}p{{{width}\textwidth}}"
    return latex.table(columns, ["", heading], lines or [latex.LEFT_OUT])
