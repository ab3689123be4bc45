"""The autoencoder's training loss: along the epochs, and at the end against the work done."""

from pathlib import Path

import numpy as np

from report.lib import load, metrics, style
from report.studies.e10_autoencoder.looks import AUTOENCODER, LONG_RUNS

LABEL = 7  # points: the size of the words at lines and dots
GAP = 0.046  # between two labels, as a share of the axis


def losses(results: Path, out: Path) -> None:
    """Training loss above the floor; every line and dot has its name beside it."""
    runs = load.runs(results, AUTOENCODER)
    figure, axes = style.subplots(2, style.TEXT, 3.3)
    _courses(axes[0], runs)
    _ends(axes[1], runs)
    for axis in axes:
        for formatter in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            formatter("{x:g}")
        axis.tick_params(axis="y", which="minor", labelsize=6.5)
    style.save(figure, out)


def _courses(axis, runs):
    """Against epochs, geometric means over the runs; long runs, of another length, are left out."""
    ends, last = {}, 1.0
    for variant, look in AUTOENCODER.variants.items():
        own = load.of(runs, variant)
        if not own or variant in LONG_RUNS:
            continue
        x = np.array(own[0]["curves"]["epoch"][1:])
        y = np.exp(np.log(metrics.curves(own, "train_excess")[:, 1:]).mean(axis=0))
        axis.plot(x, y, **style.look(look) | {"marker": "none"})
        ends[variant], last = (x[-1], y[-1]), x[-1]
    axis.set(yscale="log", xlabel="epoch", ylabel="nats per image above the floor")
    _names(axis, ends, 1.06 * last, "left")


def _ends(axis, runs):
    """At the end, against the gradient evaluations of a run: means, intervals and every run."""
    dots = {}
    for variant, look in AUTOENCODER.variants.items():
        own = load.of(runs, variant)
        if not own:
            continue
        found = metrics.mean(own, "train_excess")
        x = own[0]["metrics"]["gradient_evaluations"]
        drawn = style.look(look) | {"linestyle": "none", "markersize": 5}
        axis.plot(x, found.value, **drawn)
        axis.vlines(x, found.low, found.high, color=drawn["color"], linewidth=0.8)
        every = metrics.values(own, "train_excess")
        axis.plot([x] * len(every), every, ".", color=drawn["color"], markersize=2, alpha=0.6)
        dots[variant] = x, found.value
    axis.set(xscale="log", yscale="log", xlabel="gradient evaluations of a run")
    if not dots:
        return
    least, most = (end(x for x, _ in dots.values()) for end in (min, max))
    _names(axis, {v: dot for v, dot in dots.items() if dot[0] == least}, 0.86 * least, "right")
    _names(axis, {v: dot for v, dot in dots.items() if dot[0] > least}, 1.7 * most, "left")
    axis.set_xlim(0.03 * least, 1.4 * most)


def _names(axis, dots, x, side):
    """The names of lines or dots in a column at `x`, tied to them by thin lines.

    Args:
        axis: the panel.
        dots: by variant the end of its line, or its dot.
        x: where the names begin or, if `side` is right, end.
        side: left or right: their alignment.
    """
    low, high = np.log(axis.get_ylim())
    order = sorted(dots, key=lambda variant: dots[variant][1])
    places = _apart([np.log(dots[variant][1]) for variant in order], GAP * (high - low))
    for variant, place in zip(order, places, strict=True):
        colour = style.look(AUTOENCODER.variants[variant])["color"]
        axis.annotate(
            AUTOENCODER.label(variant),
            dots[variant],
            (x, np.exp(place)),
            ha=side,
            va="center",
            fontsize=LABEL,
            color=colour,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": "0.75", "shrinkA": 1},
        )


def _apart(places, gap):
    """Sorted places moved to at least `gap` from each other; groups keep their centres."""
    groups: list[tuple[float, int]] = []  # centre and size
    for place in places:
        centre, size = place, 1
        while groups and centre - groups[-1][0] < gap * (size + groups[-1][1]) / 2:
            before, count = groups.pop()
            centre, size = (centre * size + before * count) / (size + count), size + count
        groups.append((centre, size))
    return [
        centre + gap * (number - (size - 1) / 2)
        for centre, size in groups
        for number in range(size)
    ]
