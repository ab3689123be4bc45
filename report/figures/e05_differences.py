"""Test error of every method against backprop on the same split, by data set."""

from pathlib import Path

from report import generalisation, style, tabular

LABELS = {
    "regression": r"test RMSE against BP (%)",
    "classification": "test accuracy minus BP (points)",
}


def draw(results: Path, out: Path) -> None:
    runs = generalisation.everything(results)
    figure, axes = style.subplots(2, style.TEXT, 3.5, sharey=False)
    sets = (tabular.REGRESSION, tabular.CLASSIFICATION | tabular.IMAGES)
    for axis, names, which in zip(axes, sets, tabular.TOLERANCE, strict=True):
        names = tabular.present(runs, names)
        _panel(axis, runs, names, which)
        axis.set_yticks(range(len(names)), [tabular.TITLES[name] for name in names])
        axis.set_ylim(max(len(names), 1) - 0.5, -0.5)
        axis.set_xlabel(LABELS[which])
        _ticks(axis, which)
    handles = axes[0].get_legend_handles_labels()
    handles = handles if handles[0] else axes[1].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=5)
    style.save(figure, out)


def _panel(axis, runs, names, which):
    """Means and intervals, methods below each other; grey: the tolerance of the claims."""
    bound = tabular.TOLERANCE[which]
    span = (-bound, bound)
    axis.axvspan(*span, color="0.92", zorder=0)
    axis.axvline(0, color="0.5", linewidth=0.6, zorder=1)
    axis.set_xscale("symlog", linthresh=5 if which == "regression" else 2, linscale=1.2)
    axis.minorticks_off()
    for row in range(1, len(names)):
        axis.axhline(row - 0.5, color="0.85", linewidth=0.5, zorder=0)
    found = [name for name in generalisation.methods(runs) if name != "bp"]
    for number, variant in enumerate(found):
        look = style.look(generalisation.TABLES, variant) | {"linestyle": "none"}
        for row, name in enumerate(names):
            estimate = tabular.difference(runs, variant, name)
            height = row + 0.72 * ((number + 0.5) / len(found) - 0.5)
            axis.hlines(height, estimate.low, estimate.high, color=look["color"], linewidth=0.9)
            axis.plot(estimate.value, height, markersize=3.5, **(look if not row else _plain(look)))


def _ticks(axis, which):
    """Round numbers within what is drawn, close ones near zero."""
    low, high = axis.get_xlim()
    far = (10, 30, 100, 300, 1000) if which == "regression" else (5, 10, 20)
    positive = (2, 5, *far) if which == "regression" else (1, 2, *far)
    ticks = [tick for tick in (*(-t for t in positive[::-1]), 0, *positive) if low <= tick <= high]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_xlim(low, high)


def _plain(look):
    return {key: value for key, value in look.items() if key != "label"}
