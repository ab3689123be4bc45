"""The batch sizes, and what was measured at each."""

from report.lib import load, metrics


def sizes(runs: list[dict]) -> list[int]:
    """In the order of their number of examples; 0, all, is the last."""
    given = runs[0]["settings"]["batch_sizes"] if runs else []
    return sorted(size for size in given if size) + [size for size in given if not size]


def name(size: int) -> str:
    """How metrics call a batch size."""
    return str(size) if size else "all"


def seconds(runs: list[dict], variant: str, size: int) -> float:
    """Seconds of one visit to every example, which only the first run has."""
    return metrics.mean(load.of(runs, variant), f"epoch_{name(size)}_seconds").value


def kilobytes(runs: list[dict], variant: str) -> float:
    """What the store takes."""
    return metrics.mean(load.of(runs, variant), "store_bytes").value / 1e3
