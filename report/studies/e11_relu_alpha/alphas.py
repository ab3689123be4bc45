"""The learned alphas as frames and shares, beside the source's percentages."""

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

from report.lib import load, stats
from report.studies.e11_relu_alpha.looks import LAYERS

FILE = Path(__file__).with_name("source_alphas.toml")
AT_ZERO, AT_ONE = 0.05, 0.95  # the source's "converged to zero", and as near to one


def nets(runs: list[dict], variant: str) -> pd.DataFrame:
    """One row per alpha of a variant: seed, weight, layer (0 to 2), start, final, test_accuracy."""
    rows = []
    for run in load.of(runs, variant):
        curves = run["curves"]
        for number, weight in enumerate(curves["weight"]):
            for layer in range(len(LAYERS)):
                first, last = (curves[name][number][layer] for name in ("start", "final"))
                rows.append(
                    {
                        "seed": run["seed"],
                        "weight": weight,
                        "layer": layer,
                        "start": first,
                        "final": last,
                        "test_accuracy": curves["test_accuracy"][number],
                    }
                )
    columns = ["seed", "weight", "layer", "start", "final", "test_accuracy"]
    return pd.DataFrame(rows, columns=columns).astype(float)


def by_run(runs: list[dict], variant: str, value) -> pd.DataFrame:
    """Mean of a column, or of what `value` makes of the frame, by run (rows) and weight."""
    frame = nets(runs, variant)
    values = frame[value] if isinstance(value, str) else value(frame)
    return frame.assign(value=values).pivot_table(
        index="seed", columns="weight", values="value", aggfunc="mean"
    )


def at_zero(frame: pd.DataFrame) -> pd.Series:
    """Whether an alpha ended at zero; NaN where its net diverged."""
    return (frame["final"] <= AT_ZERO).where(frame["final"].notna()).astype(float)


def shares(runs: list[dict], variant: str) -> dict[float, stats.Estimate]:
    """Share of alphas at zero by penalty weight, with the bootstrap over runs."""
    table = by_run(runs, variant, at_zero)
    return {weight: stats.mean(table[weight]) for weight in table.columns}


def book() -> dict:
    """What was computed from the source's files."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def source() -> dict[float, float]:
    """The source's shares by penalty weight, its files taken together."""
    return {float(weight): value / 100 for weight, value in book()["percent_at_zero"].items()}


def source_files() -> dict[float, np.ndarray]:
    """The shares of each of the source's files, at the two weights of the dip."""
    found = book()
    return {
        float(weight): np.array(counts) / found["alphas_of_a_file"]
        for weight, counts in found["count_at_zero"].items()
    }


def correlation(runs: list[dict], variant: str) -> stats.Estimate:
    """Spearman's correlation over the weights of our shares and the source's."""
    table, theirs = by_run(runs, variant, at_zero), source()
    weights = [weight for weight in table.columns if weight in theirs]
    if len(weights) < 3:
        return stats.mean([])
    return stats.rank_correlation_of_mean([theirs[one] for one in weights], table[weights])


def distances(runs: list[dict], variant: str) -> dict[float, float]:
    """Our share minus the source's by weight, where both have it."""
    ours, theirs = shares(runs, variant), source()
    return {weight: ours[weight].value - theirs[weight] for weight in ours if weight in theirs}


def inside(runs: list[dict], variant: str) -> list[float]:
    """The weights at which the source's share lies in our interval."""
    ours, theirs = shares(runs, variant), source()
    common = [weight for weight in ours if weight in theirs]
    return [w for w in common if ours[w].low - 1e-9 <= theirs[w] <= ours[w].high + 1e-9]


def spread(runs: list[dict]) -> float:
    """Standard deviation that chance gives the source's dip: a difference of two shares.

    Each is a mean over as many networks as the source has at a weight; the deviation of a single
    network's share is that of ours at the two weights (pooled over `code` and `dip`).
    """
    parts = []
    for variant in ("code", "dip"):
        table = by_run(runs, variant, at_zero)
        parts += [table[w] - table[w].mean() for w in (0.02, 0.025) if w in table.columns]
    freedom = sum(len(part) - 1 for part in parts)
    if freedom < 1:
        return np.nan
    variance = sum(float((part**2).sum()) for part in parts) / freedom
    return float(np.sqrt(2 * variance / book()["runs"]))


def accuracies(runs: list[dict], variant: str) -> dict[bool, stats.Estimate]:
    """Test accuracy of the networks whose alphas all ended at zero, and of all others."""
    frame = nets(runs, variant)
    frame["zero"] = at_zero(frame)
    each = frame.groupby(["seed", "weight"]).agg(
        zero=("zero", "min"), accuracy=("test_accuracy", "first")
    )
    by_seed = each.groupby(["zero", "seed"])["accuracy"].mean()
    return {
        linear: stats.mean(by_seed[by_seed.index.get_level_values("zero") == linear])
        for linear in (True, False)
    }


def counts(runs: list[dict], variant: str) -> int:
    """Runs behind each weight of a variant."""
    return len(load.of(runs, variant))


def layer_at_one(runs: list[dict], variant: str, layer: int) -> float:
    """The largest penalty weight at which an alpha of a layer ended at one; NaN if none did."""
    frame = nets(runs, variant)
    found = frame[(frame["layer"] == layer) & (frame["final"] >= AT_ONE)]["weight"]
    return float(found.max()) if len(found) else np.nan
