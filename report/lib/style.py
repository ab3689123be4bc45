"""Widths, fonts, colours and the one way a figure is saved; used by every figure."""

import logging
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402
import seaborn as sns  # noqa: E402

from report.lib.looks import Variant  # noqa: E402

logging.getLogger("fontTools").setLevel(logging.ERROR)  # cmr10 carries a date before 1970

COLUMN, TEXT = 3.38, 7.0  # inches: one column and both columns of preamble.tex
PALETTE = sns.color_palette("colorblind")
CLASSES = sns.blend_palette([PALETTE[0], "white", PALETTE[1]], as_cmap=True)
TITLE_PAD = 4
RC: dict[Any, Any] = {
    "font.family": "serif",
    "font.serif": ["cmr10"],
    "font.size": 8,
    "mathtext.fontset": "cm",
    "axes.formatter.use_mathtext": True,
    "axes.unicode_minus": False,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlepad": TITLE_PAD,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,
    "figure.dpi": 100,
    "savefig.dpi": 300,
}


def subplots(columns: int, width: float, height: float, layout="constrained", sharey="row"):
    """A figure of the printed size and its row of axes; `compressed` is for square panels."""
    figure, axes = grid(1, columns, width, height, layout, sharey)
    return figure, axes[0]


def grid(rows: int, columns: int, width: float, height: float, layout="constrained", sharey="row"):
    """A figure of the printed size and its axes (rows, columns)."""
    plt.rcParams.update(RC)
    return plt.subplots(
        rows, columns, figsize=(width, height), layout=layout, squeeze=False, sharey=sharey
    )


def title(axis, *lines: str, fontsize: float = 8) -> None:
    """A panel's title of one or two lines, whose baselines are level across the panels."""
    axis.set_title(lines[-1], fontsize=fontsize)
    if len(lines) == 2:
        above = (0, TITLE_PAD + 1.3 * fontsize)
        axis.annotate(
            lines[0],
            (0.5, 1),
            xycoords="axes fraction",
            xytext=above,
            textcoords="offset points",
            ha="center",
            fontsize=fontsize,
        )


def look(variant: Variant) -> dict:
    """Line keywords of a variant: colour, dashes and end marker together tell it apart."""
    return {
        "color": variant.colour if isinstance(variant.colour, str) else PALETTE[variant.colour],
        "linestyle": variant.line,
        "marker": variant.marker,
        "label": variant.label,
    }


def save(figure, out: str | Path) -> None:
    """Writes PDF (equal bytes for equal input) or PNG, by the suffix of `out`."""
    out = Path(out)
    metadata = {"CreationDate": None} if out.suffix == ".pdf" else {"Software": None}
    figure.savefig(out, metadata=metadata)
    plt.close(figure)
