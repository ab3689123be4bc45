"""Judges the claims of claims.toml on result files, for the claims table, numbers and verify."""

import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from report.lib import latex, load, splits, stats

FILE = Path(__file__).with_name("claims.toml")
HOLDS, FAILS, OPEN = "holds", "does not hold", "not decided"


class Outcome(NamedTuple):
    """The verdict on one criterion or claim and what it rests on."""

    verdict: str
    estimates: list[stats.Estimate]
    min_n: int

    @property
    def n(self) -> int:
        return min(estimate.n for estimate in self.estimates)


def read(path: str | Path = FILE) -> dict:
    """The claims file; a criterion with a list in it becomes one for each of its entries."""
    book = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    for claim in book["claims"]:
        claim["criteria"] = [one for criterion in claim["criteria"] for one in _each(criterion)]
    return book


def _each(criterion: dict) -> list[dict]:
    each = [criterion]
    for name in ("variant", "metric", "minus"):
        if isinstance(criterion.get(name), list):
            contest = {"contest": True} if name == "minus" else {}
            each = [one | {name: value} | contest for one in each for value in criterion[name]]
    return each


def contests(claim: dict, outcome: Outcome) -> dict[str, list[tuple]]:
    """Criteria and estimates of each variant that a claim compares with several others."""
    found: dict[str, list[tuple]] = {}
    for criterion, estimate in zip(claim["criteria"], outcome.estimates, strict=True):
        if "contest" in criterion:
            found.setdefault(criterion["variant"], []).append((criterion, estimate))
    return found


def worst(pairs: list[tuple]) -> tuple:
    """Of criteria and their estimates, the pair that decides the verdict.

    One that fails comes before one that is open and that before one that holds; among equals the
    value with the least room to a bound, and one that does not exist before all others.
    """

    def room(criterion: dict, value: float) -> float:
        rooms = [
            sign * (value - bound) / (abs(bound) or 1.0)
            for sign, bound in ((1, criterion.get("at_least")), (-1, criterion.get("at_most")))
            if bound is not None
        ]
        return np.nan_to_num(min(rooms), nan=-np.inf)

    def order(pair: tuple) -> tuple[int, float]:
        criterion, estimate = pair
        return (FAILS, OPEN, HOLDS).index(verdict(*pair)), room(criterion, estimate.value)

    return min(pairs, key=order)


def experiments(criterion: dict) -> list[str]:
    """Those that a criterion is about."""
    named = criterion["experiment"]
    return named if isinstance(named, list) else [named]


def judge(claim: dict, results: str | Path) -> Outcome:
    """A claim holds if all its criteria hold and fails if any fails."""
    outcomes = [judge_criterion(criterion, results) for criterion in claim["criteria"]]
    verdicts = {outcome.verdict for outcome in outcomes}
    verdict = FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS
    estimates = [estimate for outcome in outcomes for estimate in outcome.estimates]
    return Outcome(verdict, estimates, max(outcome.min_n for outcome in outcomes))


def judge_criterion(criterion: dict, results: str | Path) -> Outcome:
    """Holds the estimate against the bounds of one criterion."""
    of = _over_data_sets if isinstance(criterion["experiment"], list) else _estimate
    estimate = of(criterion, results)
    return Outcome(verdict(criterion, estimate), [estimate], criterion["min_n"])


def _runs(criterion: dict, results: str | Path, experiment: str) -> list[dict]:
    """Those of an experiment that a criterion is about."""
    folder = Path(results) / experiment
    variants = dict.fromkeys([criterion["variant"], criterion.get("minus", criterion["variant"])])
    return [run for variant in variants for run in load.of_folder(folder / variant)]


def _estimate(criterion: dict, results: str | Path) -> stats.Estimate:
    runs = _runs(criterion, results, criterion["experiment"])
    metric, variant, minus = criterion["metric"], criterion["variant"], criterion.get("minus", "")
    if metric == "boundary_shift":
        return stats.boundary_shift(load.landscapes(runs, variant), load.landscapes(runs, minus))
    if "over" in criterion:
        return _over(criterion, runs)
    if criterion.get("paired"):
        return stats.mean(_paired(criterion, runs))

    def one(name: str, stream: int) -> stats.Estimate:
        if metric == "disagreement":
            return stats.disagreement(load.landscapes(runs, name), stream=stream)
        own = criterion.get("of_minus", metric) if stream else metric
        return stats.mean(_values(criterion | {"metric": own}, load.of(runs, name)), stream)

    return one(variant, 0).minus(one(minus, 1)) if minus else one(variant, 0)


def _values(criterion: dict, runs: list[dict]) -> np.ndarray:
    """The metric of each run, a diverged one with its stated value, as reached or not if asked."""
    values = np.array([run["metrics"].get(criterion["metric"]) for run in runs], dtype=float)
    lost = np.array([run["status"] == "diverged" for run in runs], dtype=bool)
    values[lost] = criterion.get("diverged", np.nan)
    return (values >= criterion["level"]).astype(float) if "level" in criterion else values


def _over(criterion: dict, runs: list[dict]) -> stats.Estimate:
    """Rank correlation of the places of a curve with the share of a curve's entries there that are
    at most `entries_at_most`, runs pooled.
    """
    shares = []
    for run in runs:
        entries = np.array(run["curves"][criterion["metric"]], dtype=float)
        small = entries <= criterion["entries_at_most"]
        shares.append(small.reshape(len(entries), -1).mean(axis=1))
    places = runs[0]["curves"][criterion["over"]] if runs else [0.0]
    return stats.rank_correlation_of_mean(places, shares)


def _over_data_sets(criterion: dict, results: str | Path) -> stats.Estimate:
    """By split the mean log ratio of errors over experiments, minus that of the other run."""
    each = [_runs(criterion, results, experiment) for experiment in experiments(criterion)]
    changes = [_changes(criterion, runs) for runs in each]
    shared = sorted(set.intersection(*({*one} for one in changes)))
    values = [np.mean([one[seed] for one in changes]) for seed in shared]
    own = [run for runs in each for run in load.of(runs, criterion["variant"])]
    return splits.corrected(values, splits.share(own))


def _changes(criterion: dict, runs: list[dict]) -> dict[int, float]:
    """By split the log ratio of errors of two runs."""
    own, others = (
        {run["seed"]: run for run in load.of(runs, criterion[key])} for key in ("variant", "minus")
    )
    pairs = {seed: (own[seed], others[seed]) for seed in own if seed in others}
    if criterion.get("at") == "equal training error":
        return {seed: splits.at_equal_training_error(*pair) for seed, pair in pairs.items()}
    names = criterion["metric"], criterion.get("relative_to")
    logs = {seed: [splits.value(run, *names) for run in pair] for seed, pair in pairs.items()}
    return {seed: one - other for seed, (one, other) in logs.items()}


def _paired(criterion: dict, runs: list[dict]) -> list[float]:
    """The metric of each run minus that of the run of `minus` with the same seed, or its share."""

    def by_seed(variant: str, metric: str) -> dict[int, float]:
        chosen = load.of(runs, variant)
        values = _values(criterion | {"metric": metric}, chosen)
        return dict(zip([run["seed"] for run in chosen], values, strict=True))

    one = by_seed(criterion["variant"], criterion["metric"])
    other = by_seed(criterion["minus"], criterion.get("of_minus", criterion["metric"]))
    times = criterion.get("times", 1.0)
    return [float(one[seed] - times * other[seed]) for seed in one if seed in other]


def text(criterion: dict, estimate: stats.Estimate) -> str:
    """An estimate as it is judged: a share in per cent, a loss, an error or an accuracy."""
    metric = criterion["metric"]
    if isinstance(criterion["experiment"], list):  # a log ratio
        change = estimate._replace(
            value=float(np.expm1(estimate.value)), draws=np.expm1(estimate.draws)
        )
        return latex.with_interval(change, latex.percent) + r"\,\%"
    if metric in ("disagreement", "boundary_shift"):
        return latex.with_interval(estimate, latex.percent) + r"\,\%"
    if metric.endswith(("_loss", "_excess")):
        return latex.with_interval(estimate, latex.loss)
    if metric.endswith("_error"):
        return latex.with_interval(estimate, latex.significant)
    return latex.with_interval(estimate, latex.fixed)


def verdict(criterion: dict, estimate: stats.Estimate) -> str:
    """Whether the interval, or the value if asked, lies within the bounds."""
    on_value = criterion.get("on") == "value"
    low, high = (estimate.value,) * 2 if on_value else (estimate.low, estimate.high)
    if estimate.n < criterion["min_n"] or not np.isfinite([low, high]).all():
        return OPEN
    least, most = criterion.get("at_least", -np.inf), criterion.get("at_most", np.inf)
    if high < least or low > most:
        return FAILS
    return HOLDS if low >= least and high <= most else OPEN
