"""The gallery of transfer functions."""

from pathlib import Path

from report.lib import load, style
from report.lib.looks import DASHED, DOTTED
from report.studies.e09_matching.functions import FUNCTIONS
from report.studies.e09_matching.looks import EXPERIMENT

LINES = ("solid", DASHED, DOTTED)


def gallery(results: Path, out: Path) -> None:
    """Nine transfer functions, their integrals and the divergences from some targets."""
    (run,) = load.runs(results, EXPERIMENT)[:1]
    curves, targets = run["curves"], run["settings"]["drawn_targets"]
    figure, axes = style.grid(3, len(FUNCTIONS), style.TEXT, 3.3)
    for column, (name, title) in zip(axes.T, FUNCTIONS.items(), strict=True):
        x = curves["x"]
        column[0].plot(x, curves[f"{name}_f"], color="black")
        column[1].plot(x, curves[f"{name}_integral"], color="black")
        for number, target in enumerate(targets):
            look = {"color": style.PALETTE[number], "linestyle": LINES[number % len(LINES)]}
            words = rf"$a={target:g}$"
            column[2].plot(x, curves[f"{name}_divergence_{number}"], label=words, **look)
            column[2].plot(target, 0, "o", color=look["color"], markersize=2.5, clip_on=False)
        column[0].set_title(title)
        column[2].set_xlabel(r"$\hat a$", labelpad=1)
        for axis in column:
            axis.axhline(0, color="0.8", linewidth=0.5, zorder=0)
            axis.set_xticks([-2, 0, 2])
            axis.tick_params(labelbottom=axis is column[2])
    for axis, words, top in zip(
        axes[:, 0], (r"$f$", r"$F$", r"$D_F(\hat a, a)$"), (None, 4.6, 6), strict=True
    ):
        axis.set_ylabel(words)
        axis.set_ylim(top=top)
    handles = axes[2, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=len(targets))
    style.save(figure, out)
