"""Share of alphas at zero against the penalty weight: four protocols and the source's runs."""

from pathlib import Path

from report import alphas, load, style

PANELS = {
    "all images": {"code": -0.0004, "document_large": 0.0004, "dip": 0.0},
    "subsample": {"code_small": -0.0004, "document": 0.0004, "long": 0.0},
}


def draw(results: Path, out: Path) -> None:
    runs = load.runs(results, alphas.EXPERIMENT)
    figure, axes = style.subplots(2, style.TEXT, 2.7)
    for axis, (title, variants) in zip(axes, PANELS.items(), strict=True):
        source = alphas.source()
        percent = [100 * share for share in source.values()]
        axis.plot(list(source), percent, "kx--", linewidth=0.8, label="source's runs")
        for variant, shift in variants.items():
            _points(axis, alphas.shares(runs, variant), shift, variant)
        axis.set(title=title, xlabel=r"penalty weight $\lambda$", ylim=(-4, 104))
    found = {}
    for axis in axes:
        found |= {
            words: line for line, words in zip(*axis.get_legend_handles_labels(), strict=True)
        }
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=4)
    axes[0].set_ylabel(r"alphas at zero (%)")
    style.save(figure, out)


def _points(axis, shares, shift, variant):
    """A variant's shares, moved aside a little, with their intervals."""
    look = style.look(alphas.EXPERIMENT, variant)
    if variant == "dip":
        look["linestyle"] = "none"
    for number, (weight, share) in enumerate(shares.items()):
        axis.vlines(weight + shift, 100 * share.low, 100 * share.high, color=look["color"], lw=0.7)
        if not number:
            x = [weight + shift for weight in shares]
            axis.plot(x, [100 * one.value for one in shares.values()], markersize=3.5, **look)
