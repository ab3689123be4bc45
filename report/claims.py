"""Judges the claims of claims.toml on result files, for the claims table, numbers and verify."""

import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from report import load, stats

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
    """The claims file."""
    return tomllib.loads(Path(path).read_text(encoding="utf-8"))


def judge(claim: dict, results: str | Path) -> Outcome:
    """A claim holds if all its criteria hold and fails if any fails."""
    outcomes = [judge_criterion(criterion, results) for criterion in claim["criteria"]]
    verdicts = {outcome.verdict for outcome in outcomes}
    verdict = FAILS if FAILS in verdicts else OPEN if OPEN in verdicts else HOLDS
    estimates = [estimate for outcome in outcomes for estimate in outcome.estimates]
    return Outcome(verdict, estimates, max(outcome.min_n for outcome in outcomes))


def judge_criterion(criterion: dict, results: str | Path) -> Outcome:
    """Holds the estimate against the bounds of one criterion."""
    runs = load.runs(results, criterion["experiment"], allow_missing=True)
    estimate = _estimate(criterion, runs)
    return Outcome(_verdict(criterion, estimate), [estimate], criterion["min_n"])


def _estimate(criterion: dict, runs: list[dict]) -> stats.Estimate:
    metric, variant, minus = criterion["metric"], criterion["variant"], criterion.get("minus")
    if metric == "boundary_shift":
        return stats.boundary_shift(load.landscapes(runs, variant), load.landscapes(runs, minus))

    def one(name: str, stream: int) -> stats.Estimate:
        if metric == "disagreement":
            return stats.disagreement(load.landscapes(runs, name), stream=stream)
        return stats.mean(_values(criterion, load.of(runs, name)), stream)

    return one(variant, 0).minus(one(minus, 1)) if minus else one(variant, 0)


def _values(criterion: dict, runs: list[dict]) -> np.ndarray:
    """The metric of each run, a diverged one with its stated value, as reached or not if asked."""
    values = np.array([run["metrics"].get(criterion["metric"]) for run in runs], dtype=float)
    lost = np.array([run["status"] == "diverged" for run in runs], dtype=bool)
    values[lost] = criterion.get("diverged", np.nan)
    return np.float64(values >= criterion["level"]) if "level" in criterion else values


def _verdict(criterion: dict, estimate: stats.Estimate) -> str:
    on_value = criterion.get("on") == "value"
    low, high = (estimate.value,) * 2 if on_value else (estimate.low, estimate.high)
    if estimate.n < criterion["min_n"] or not np.isfinite([low, high]).all():
        return OPEN
    least, most = criterion.get("at_least", -np.inf), criterion.get("at_most", np.inf)
    if high < least or low > most:
        return FAILS
    return HOLDS if low >= least and high <= most else OPEN
