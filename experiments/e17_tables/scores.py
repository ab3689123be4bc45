"""What e17 makes of scores at checkpoints: budgets, choice by held-out rows, overfitting."""

from collections.abc import Sequence

import numpy as np

from experiments.common import tabular
from experiments.e17_tables.schema import PARTS, scores_of

DIGITS = 4  # that curves keep

# (part, score) -> array (trials, checkpoints)
Scores = dict[tuple[str, str], np.ndarray]


def checkpoints(steps: int, budgets: Sequence[int], first: int, number: int) -> list[int]:
    """About `number` numbers of steps, evenly spaced in their logarithm, with the budgets.

    Args:
        steps: The last one.
        budgets: Longer ones are left out.
        first: The first one, of which all but the budgets and the last are multiples.
        number: How many before those are rounded that fall together.
    """
    spaced = np.geomspace(first, steps, number)
    found = {steps, *(budget for budget in budgets if budget <= steps)}
    return sorted(found | {int(first * max(1, round(one / first))) for one in spaced[:-1]})


def of_outputs(name: str, outputs: Sequence[np.ndarray], data: tabular.Parts) -> dict:
    """The scores of one net: by (part, score) a float, NaN where its outputs are not finite."""
    labels = data.y_fit, data.y_valid, data.y_test
    found: dict[tuple[str, str], float] = {}
    for part, made, wanted in zip(PARTS, outputs, labels, strict=True):
        judged = tabular.judge(name, made, wanted, data.scale)
        found |= {(part, score): judged[score] for score in scores_of(name)}
    return found


def result(name: str, scores: Scores, steps: Sequence[int], budgets: Sequence[int]) -> tuple:
    """Metrics and curves of one split of a data set.

    At each budget, and over all checkpoints, held-out rows choose among the trials.

    Args:
        name: The data set.
        scores: At the checkpoints.
        steps: The checkpoints; 0 alone for what takes no steps.
        budgets: Numbers of steps, of which those count that are among the checkpoints, or all if
            there are no steps.

    Returns:
        A pair of dicts (metrics, curves).
    """
    values = _choice(scores)
    metrics: dict[str, float] = {}

    def note(label, trial, at):
        for (part, score), found in scores.items():
            metrics[f"{label}_{part}_{score}"] = float(found[trial, at])

    for budget in budgets:
        if budget > steps[-1] > 0:
            continue
        at = [*steps].index(budget) if steps[-1] else 0
        trial = int(np.argmin(values[:, at]))
        note(f"{budget}", trial, at)
        metrics[f"{budget}_trial"] = trial
    trial, at = map(int, np.unravel_index(np.argmin(values), values.shape))
    note("best", trial, at)
    note("last", trial, -1)
    metrics |= {"best_trial": trial, "best_steps": steps[at]}
    curves = {"steps": list(steps)}
    curves |= {"_".join(key): rounded(found) for key, found in scores.items()}
    return _named(name, metrics), _named(name, curves)


def at_level(train: Sequence[float], test: Sequence[float], level: float) -> float:
    """The test error of a run where its training error first falls to a level.

    Both are taken as straight in their logarithms between two checkpoints. NaN if it never does.

    Args:
        train, test: Errors at the checkpoints.
        level: Positive float.
    """
    below = np.flatnonzero(np.asarray(train) <= level)
    if not len(below):
        return np.nan
    at = below[0]
    if at == 0 or train[at] == level:
        return float(test[at])
    logs = np.log([train[at], train[at - 1]])
    return float(np.exp(np.interp(np.log(level), logs, np.log([test[at], test[at - 1]]))))


def rounded(values: np.ndarray) -> list:
    """Nested lists of the values with `DIGITS` significant digits."""
    text = np.vectorize(lambda value: float(f"{value:.{DIGITS}g}"), otypes=[float])
    return text(values).tolist()


def _choice(scores: Scores) -> np.ndarray:
    """What the choice minimises, `(trials, checkpoints)`; infinite where it is not finite."""
    held = {score: found for (part, score), found in scores.items() if part == "valid"}
    found = np.empty(next(iter(held.values())).shape)
    for at in np.ndindex(found.shape):
        found[at] = tabular.score({score: float(values[at]) for score, values in held.items()})
    return found


def _named(name, values):
    return {f"{name}_{key}": value for key, value in values.items()}
