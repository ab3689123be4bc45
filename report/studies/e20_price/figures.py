"""Loss and its prediction, price and discount, on the way through training."""

from pathlib import Path

import numpy as np

from report.lib import load, metrics, style
from report.studies.e20_price.looks import DEPTHS, EXPERIMENT, WEIGHTS

SHOWN = (10, 100)  # depths of the panels of ratios: more lines cannot be told apart
SERIES = {  # name: label, line, opacity
    "task_loss": ("relaxed", "solid", 0.4),
    "predicted_loss": ("predicted", (0, (1, 1)), 1.0),
    "deployed_loss": ("deployed", "solid", 1.0),
}
PANELS = {
    "price_orders": "mismatch / least price",
    "discount_orders": "discount of depth",
    "bound_orders": "bound / distance",
}


def price(results: Path, out: Path) -> None:
    """Left: three losses at one depth; then the ratios at two depths, while training."""
    runs = load.runs(results, EXPERIMENT)
    figure, axes = style.subplots(4, style.TEXT, 2.3, sharey=False)
    _losses(axes[0], runs)
    for axis, (name, title) in zip(axes[1:], PANELS.items(), strict=True):
        for variant in (f"{weight}_{depth}" for weight in WEIGHTS for depth in SHOWN):
            look, own = EXPERIMENT.variants[variant], load.of(runs, variant)
            if own:
                x, y = own[0]["curves"]["iteration"], 10 ** metrics.curves(own, name).mean(axis=0)
                axis.plot(x, y, **style.look(look) | {"markevery": [-1], "markersize": 3})
        axis.set(xscale="log", yscale="log", xlabel="iteration")
        style.title(axis, title)
    handles, labels = axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    style.save(figure, out)


def _losses(axis, runs):
    """Relaxed, predicted and deployed task loss at the deepest net of all runs."""
    depths = [depth for depth in DEPTHS if any(load.of(runs, f"{w}_{depth}") for w in WEIGHTS)]
    for weight, (_, colour, _) in WEIGHTS.items():
        own = load.of(runs, f"{weight}_{depths[-1]}") if depths else []
        if not own:
            continue
        x = own[0]["curves"]["iteration"]
        for name, (label, line, alpha) in SERIES.items():
            y = np.exp(np.log(metrics.curves(own, name)).mean(axis=0))
            axis.plot(x, y, color=style.PALETTE[colour], linestyle=line, alpha=alpha)
            if weight == "constant":
                axis.text(1.2 * x[-1], y[-1], label, fontsize=6.5, va="center")
    axis.set(xscale="log", yscale="log", xlabel="iteration", ylabel="task loss")
    axis.set_xlim(right=30 * axis.get_xlim()[1])  # room for the labels
    style.title(axis, f"{depths[-1] if depths else 0} layers")
