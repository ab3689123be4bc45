"""What e17 makes of scores at checkpoints: lengths, choice by held-out rows, overfitting."""

from collections.abc import Sequence

import numpy as np

from experiments.common import tabular
from experiments.e17_tables.schema import PARTS, scores_of

DIGITS = 4  # that curves keep

# (part, score) -> array (trials, checkpoints)
Scores = dict[tuple[str, str], np.ndarray]


def checkpoints(steps: int, first: int, number: int) -> list[int]:
    """About `number` numbers of steps, evenly spaced in their logarithm.

    Args:
        steps: The last one.
        first: The first one, of which all but the last are multiples.
        number: How many before those are rounded that fall together.
    """
    spaced = np.geomspace(first, steps, number)
    return sorted({steps, *(int(first * max(1, round(one / first))) for one in spaced[:-1])})


def of_outputs(name: str, outputs: Sequence[np.ndarray], data: tabular.Parts) -> dict:
    """The scores of one net: by (part, score) a float, NaN where its outputs are not finite."""
    labels = data.y_fit, data.y_valid, data.y_test
    found: dict[tuple[str, str], float] = {}
    for part, made, wanted in zip(PARTS, outputs, labels, strict=True):
        judged = tabular.judge(name, made, wanted, data.scale)
        found |= {(part, score): judged[score] for score in scores_of(name)}
    return found


def result(runs: dict[int, tuple[Scores, Sequence[int]]]) -> tuple:
    """Metrics and curves of one split.

    Held-out rows choose among the trials at the end of each length, and among trials, lengths and
    checkpoints together: the best validated point. The last point is the end of the longest length
    with the trial of the best one.

    Args:
        runs: By length its scores and their checkpoints; a checkpoint at 0 alone for what takes no
            steps.

    Returns:
        A pair of dicts (metrics, curves).
    """
    metrics: dict[str, float] = {}
    curves: dict[str, list] = {}
    found = []

    def note(label, scores, trial, at):
        for (part, score), values in scores.items():
            metrics[f"{label}_{part}_{score}"] = float(values[trial, at])

    for length, (scores, steps) in runs.items():
        values = _choice(scores)
        ended = int(np.argmin(values[:, -1]))
        note(length, scores, ended, -1)
        metrics[f"{length}_trial"] = ended
        trial, at = map(int, np.unravel_index(np.argmin(values), values.shape))
        found.append((values[trial, at], length, trial, at))
        curves[f"{length}_steps"] = [*steps]
        curves |= {f"{length}_{'_'.join(key)}": rounded(one) for key, one in scores.items()}
    _, length, trial, at = min(found)
    note("best", runs[length][0], trial, at)
    note("last", runs[max(runs)][0], trial, -1)
    metrics |= {"best_trial": trial, "best_length": length, "best_steps": runs[length][1][at]}
    return metrics, curves


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
