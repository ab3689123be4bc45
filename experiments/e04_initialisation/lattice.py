"""Lattices: the cells that are trained, and the region in which they succeed.

One axis has rates of the weights, the first one gains of the start or, where there is a
`target_rate_count`, rates of the targets.
"""

import numpy as np

from experiments.e04_initialisation.schema import first_axis

MOST, LAYERS = 0.25, 30  # of the rule of `isometric_start`: gain 1 + 30 / layers, at most 1.25


def rule_gain(depth: int) -> float:
    """The default gain of `isometric_start` for a net of so many hidden layers."""
    return 1 + min(MOST, LAYERS / (depth + 1))


def axes(settings) -> tuple[list[float], list[float]]:
    """Gains, geometric around the rule's one, or rates of the targets; and rates of the weights."""
    if first_axis(settings) == "gain":
        powers = np.arange(settings["gain_count"]) - settings["gain_count"] // 2
        first = rule_gain(settings["depth"]) * settings["gain_step"] ** powers
    else:
        first = _geometric(settings, "target_rate")
    axes = first, _geometric(settings, "rate")
    rounded = [[float(f"{value:.6g}") for value in values] for values in axes]
    return rounded[0], rounded[1]


def _geometric(settings, name: str) -> np.ndarray:
    ends = settings[f"lowest_{name}"], settings[f"highest_{name}"]
    return np.geomspace(*ends, settings[f"{name}_count"])


def _decades(settings, name: str) -> float:
    """Between neighbours."""
    ends = settings[f"lowest_{name}"], settings[f"highest_{name}"]
    return np.log10(ends[1] / ends[0]) / (settings[f"{name}_count"] - 1)


def every_second(gains: int, rates: int) -> np.ndarray:
    """The cells of every second gain and rate, ends included: booleans `(gains, rates)`."""
    if not (gains % 2 and rates % 2):
        raise ValueError(
            "The numbers of gains and of rates must be odd, so that every second line includes "
            f"both ends. Received: gain_count={gains}, rate_count={rates}"
        )
    return np.outer(np.arange(gains) % 2 == 0, np.arange(rates) % 2 == 0)


def border(success, known) -> np.ndarray:
    """The cells not known whose known neighbours, diagonal ones included, do not agree."""
    most, least = _extremes(success, known)
    return ~known & (most != least)


def filled(success, known, trained) -> np.ndarray:
    """The outcome of all cells: one that was not trained has that of its known neighbours.

    Args:
        success: Booleans `(gains, rates)`, the outcomes of the cells in `trained`.
        known: The cells that were trained before `border` was asked for.
        trained: All that were trained.
    """
    _, least = _extremes(success, known)
    return np.where(trained, success, least)


def _extremes(success, known):
    """Whether any and whether all known cells of the three by three around a cell succeed."""
    padded = [np.pad(known & outcome, 1) for outcome in (success, ~success)]
    rows, columns = known.shape
    any_of = [
        np.any([p[i : i + rows, j : j + columns] for i in range(3) for j in range(3)], axis=0)
        for p in padded
    ]
    return any_of[0], any_of[0] & ~any_of[1]


def spread(found: dict, shape, name: str) -> np.ndarray:
    """An attribute of what is found by cell, as an array with NaN in the cells without."""
    values = np.full(shape, np.nan)
    for cell, one in found.items():
        values[cell] = getattr(one, name)
    return values


def regions(success, settings) -> dict[str, float]:
    """Size of the region that succeeds, `(first axis, rates)`; a cell stands for its own step.

    Returns:
        share: of all cells.
        rate_decades: width in decades of the weights' rate at the place where it is widest.
        gain_octaves, rule_decades: with gains, width in doublings of the gain at the rate where it
            is widest, and of the rate in decades at the rule's gain, the middle one.
        target_rate_decades, narrower_decades: with rates of the targets, width of that axis at the
            weights' rate where it is widest, and the smaller of the two.
    """
    rate_step = _decades(settings, "rate")
    rate = float(success.sum(axis=1).max() * rate_step)
    found = {"share": float(success.mean()), "rate_decades": rate}
    if first_axis(settings) == "gain":
        octaves = success.sum(axis=0).max() * np.log2(settings["gain_step"])
        middle = success[len(success) // 2].sum() * rate_step
        return found | {"gain_octaves": float(octaves), "rule_decades": float(middle)}
    target = float(success.sum(axis=0).max() * _decades(settings, "target_rate"))
    return found | {"target_rate_decades": target, "narrower_decades": min(rate, target)}
