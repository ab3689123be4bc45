"""Lattices of gains and rates: the cells that are trained, and the region in which they succeed."""

import numpy as np

MOST, LAYERS = 0.25, 30  # of the rule of `isometric_start`: gain 1 + 30 / layers, at most 1.25


def rule_gain(depth: int) -> float:
    """The default gain of `isometric_start` for a net of so many hidden layers."""
    return 1 + min(MOST, LAYERS / (depth + 1))


def axes(settings) -> tuple[list[float], list[float]]:
    """Gains, geometric around the rule's one, and rates, geometric between their ends."""
    middle = settings["gain_count"] // 2
    powers = np.arange(settings["gain_count"]) - middle
    gains = rule_gain(settings["depth"]) * settings["gain_step"] ** powers
    ends = settings["lowest_rate"], settings["highest_rate"]
    rates = np.geomspace(*ends, settings["rate_count"])
    rounded = [[float(f"{value:.6g}") for value in values] for values in (gains, rates)]
    return rounded[0], rounded[1]


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
    """Size of the region that succeeds, cells `(gains, rates)`; a cell stands for its own step.

    Returns:
        share: of all cells.
        gain_octaves: width in doublings of the gain at the rate where it is widest.
        rate_decades: width in decades of the rate at the gain where it is widest.
        rule_decades: the same at the rule's gain, the middle one.
    """
    gain_step = np.log2(settings["gain_step"])
    ends = settings["lowest_rate"], settings["highest_rate"]
    rate_step = np.log10(ends[1] / ends[0]) / (settings["rate_count"] - 1)
    return {
        "share": float(success.mean()),
        "gain_octaves": float(success.sum(axis=0).max() * gain_step),
        "rate_decades": float(success.sum(axis=1).max() * rate_step),
        "rule_decades": float(success[len(success) // 2].sum() * rate_step),
    }
