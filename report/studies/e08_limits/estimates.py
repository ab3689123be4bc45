"""What the limits of relaxation come to: means and intervals by variant."""

import numpy as np

from report.lib import latex, load, stats

LEVEL = 0.95  # test accuracy of a success


def _whole(value: float) -> str:
    return latex.fixed(value, 0)


WRITE = {
    "train_accuracy": latex.fixed,
    "test_accuracy": latex.fixed,
    "test_accuracy_float64": latex.fixed,
    "overfit": latex.fixed,
    "any_nan": latex.fixed,
    "nan_share": latex.percent,
    "not_finite_share": latex.percent,
    "edges": latex.percent,
    "edges_float32": latex.percent,
    "regions": _whole,
    "gain": lambda value: latex.fixed(value, 2),
    "log_size_data": lambda value: latex.fixed(value, 1),
    "log_size_grid": lambda value: latex.fixed(value, 1),
    "largest_weight": latex.significant,
    "largest_target": lambda value: latex.significant(value) if value else latex.NONE,
    "relaxed_loss": latex.loss,
    "overflow_iteration": _whole,
    "overflow_layer": _whole,
    "success": latex.fixed,
    "hidden_moved": latex.significant,
    "output_moved": latex.significant,
}


def estimates(runs: list[dict], variant: str) -> dict[str, stats.Estimate]:
    """The estimate of each name in `WRITE`; of none, where the profile leaves the variant out."""
    chosen = load.of(runs, variant)
    if not chosen:
        return {name: stats.mean([]) for name in WRITE}
    frame = load.metrics(chosen)
    frame["success"] = (frame["test_accuracy"] >= LEVEL).astype(float)
    frame["gain"] = 10.0 ** frame["log_gain"] if "log_gain" in frame else np.nan
    # Runs that never overflow have no iteration or layer of it.
    return {name: stats.mean(frame[name].dropna()) for name in WRITE if name in frame}
