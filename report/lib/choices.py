"""What held-out rows chose among, and how differences are written."""

import numpy as np

from report.lib import latex, load, setting_tables


def signed(value: float) -> str:
    """A difference with one decimal and its sign."""
    if not np.isfinite(value):
        return latex.NONE
    text = latex.fixed(value, 1)
    if text.endswith("$0.0") or text == "0.0":
        return "0.0"
    return f"$+${text}" if value > 0 else text


def trials(runs: list[dict], variant: str) -> list[tuple[str, int]]:
    """The settings of a variant as text and how often the best point has each."""
    chosen = load.of(runs, variant)
    listed: list[dict] = next(filter(None, (run["curves"].get("trials") for run in chosen)), [])
    picks = [
        int(value) for run in chosen for key, value in run["metrics"].items() if key == "best_trial"
    ]
    words = [", ".join(f"{latex.escape(k)} {v:g}" for k, v in one.items()) for one in listed]
    return [(text, picks.count(number)) for number, text in enumerate(words)]


def table(runs: list[dict], titles: dict[str, str], heading: str, own, width: float) -> str:
    """One row per variant: what held-out rows chose among; what all have in the last row.

    Args:
        runs: of one experiment.
        titles: the variants and their names in the table.
        heading: what stands over the trials.
        own: settings that are not the same in all runs, or that no run has a use for.
        width: of the column of trials, as a share of the text's width.
    """
    lines = []
    for variant, title in titles.items():
        tried = trials(runs, variant)
        total = sum(count for _, count in tried) or 1
        words = [rf"{text} ({100 * count / total:.0f}\,\%)" for text, count in tried]
        lines += [f"{title} & {'; '.join(words)}"] if tried else []
    if lines:
        shared = {k: setting_tables.text(v) for k, v in runs[0]["settings"].items() if k not in own}
        lines += setting_tables.common(shared, 2)
    columns = rf"l>{{\raggedright\arraybackslash}}p{{{width}\textwidth}}"
    return latex.table(columns, ["", heading], lines or [latex.LEFT_OUT])
