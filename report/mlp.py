"""What e12's figures, tables and numbers share: names, looks, estimates, macros."""

from pathlib import Path

import numpy as np

from report import latex, load, stats
from report.variants import DASHDOT, DASHED, DOTTED, LONG, SPARSE, TWODOT

EXPERIMENT = "e12_mlp"
GATES = {"and": "AND", "or": "OR", "nand": "NAND", "nor": "NOR", "exor": "EXOR"}
CODINGS = {"zero_one": "0/1", "minus_plus": r"$\pm1$"}
LINES = ("solid", DASHED, DASHDOT, DOTTED, LONG, TWODOT, SPARSE)
RULES = {
    "gradient": "gradient",
    "momentum": "momentum",
    "nesterov": "Nesterov",
    "adagrad": "AdaGrad",
    "adadelta": "AdaDelta",
    "rmsprop": "RMSprop",
    "adam": "Adam",
}
STARTS = {
    "zero": "zero",
    "constant": "constant",
    "small": r"$\mathcal N(0, \sigma{=}10^{-2})$",
    "large": r"$\mathcal N(0, 1)$",
    "glorot": "Glorot",
    "he": "He",
    "orthogonal": "orthogonal",
    "isometric": "isometric",
}
METHODS = {
    "gradient": "gradient",
    "momentum": "momentum",
    "conjugate": "conjugate gradient",
    "lbfgs": "L-BFGS",
    "bfgs": "BFGS",
    "newton": "damped Newton",
    "hessian_free": "Hessian-free",
}
# How a metric is written, by the end of its name; the first that fits.
WRITE = {
    "share": lambda value: rf"{latex.percent(value)}\,\%",
    "accuracy": latex.fixed,
    "accuracy_0": latex.fixed,
    "accuracy_1": latex.fixed,
    "accuracy_2": latex.fixed,
    "change_0": latex.fixed,
    "change_1": latex.fixed,
    "change_2": latex.fixed,
    "gain": latex.fixed,
    "slope": latex.fixed,
    "ratio": lambda value: latex.fixed(value, 2),
    "degrees": lambda value: latex.fixed(value, 1),
    "variation": latex.significant,
    "loss": latex.loss,
    "error": latex.significant,
    "spread": latex.significant,
    "condition": latex.significant,
    "coefficient": lambda value: latex.significant(value, 1),
    "rate": lambda value: latex.significant(value, 1),
}


def write(name: str):
    """The function that writes a metric: counts, where the name's end says nothing."""
    return next((form for end, form in WRITE.items() if name.endswith(end)), latex.integer)


def estimate(runs: list[dict], variant: str, name: str) -> stats.Estimate:
    """Mean of a metric over a variant's runs; of rates, coefficients and conditions the median."""
    values = [run["metrics"].get(name) for run in load.of(runs, variant)]
    values = np.array([np.nan if value is None else value for value in values], dtype=float)
    found = stats.mean(values)
    if name.endswith(("rate", "coefficient", "condition")) and found.n:
        return found._replace(value=float(np.nanmedian(values)))
    return found


def table(
    results: Path,
    rows: dict[str, str],
    groups: dict[str, str],
    columns: dict[str, str],
    bounded: tuple[str, ...],
    space: str = "1pt",
) -> str:
    """Metrics that are named by what stands in a row and by a quantity, such as `adam_steps`.

    Args:
        results: results folder.
        rows: labels of the rows.
        groups: variants side by side and what stands over each; nothing over a single one.
        columns: headings of the quantities.
        bounded: quantities that are shown with their intervals.
        space: between the rows.
    """
    runs = load.runs(results, EXPERIMENT)
    lines = []
    for row, label in rows.items():
        cells = [(label, "")]
        for variant in groups:
            cells += [_cell(runs, variant, f"{row}_{name}", name in bounded) for name in columns]
        lines += [*latex.stacked(cells), rf"\addlinespace[{space}]"]
    names = [*columns.values()] * len(groups)
    header = latex.grouped(groups.values(), names) if len(groups) > 1 else ["", *names]
    return latex.table("l" + "c" * len(names), header, lines[:-1])


def _cell(runs: list[dict], variant: str, name: str, bounded: bool) -> tuple[str, str]:
    """Value and, if wanted, interval of a metric, as the tables' rows stack them."""
    found, form = estimate(runs, variant, name), write(name)
    equal = name.endswith("_spread") and found.value == 0  # exactly: no rounding parts the units
    return "0" if equal else form(found.value), latex.interval(found, form) if bounded else ""


def macros(runs: list[dict], experiment: str) -> dict[str, str]:
    """All numbers of the text: `\\EOneTwoRulesAdamSteps`, its interval with `CI`; settings with
    `Set`; EXOR's proof as `\\EOneTwoProofZeroOne`.
    """
    prefix = "E" + latex.camel(str(int(experiment[1:3])))
    found = {prefix + "N": latex.integer(len(load.of(runs, "gates")))}
    for variant in dict.fromkeys(run["variant"] for run in runs):
        (first, *_) = load.of(runs, variant)
        own = prefix + latex.camel(variant)
        for name in first["metrics"]:
            value, form = estimate(runs, variant, name), write(name)
            found[own + latex.camel(name)] = form(value.value)
            found[own + latex.camel(name) + "CI"] = latex.with_interval(value, form)
        for name, setting in first["settings"].items():
            if isinstance(setting, int | float) and not isinstance(setting, bool):
                number = latex.integer(setting) if setting == int(setting) else f"${setting:g}$"
                found[own + "Set" + latex.camel(name)] = number
    (first, *_) = load.of(runs, "gates")
    for coding in CODINGS:
        multipliers = first["curves"][f"exor_{coding}_multipliers"]
        found[prefix + "Proof" + latex.camel(coding)] = vector(multipliers)
    for place in ("start", "end"):
        steepest = [max(run["curves"][f"{place}_to_gradient"]) for run in of_second(runs)]
        found[prefix + latex.camel(f"{place}_widest")] = latex.fixed(np.mean(steepest), 0)
    return found


def of_second(runs: list[dict]) -> list[dict]:
    """The runs of the second-order methods."""
    return load.of(runs, "second_order")


def vector(entries: list[str]) -> str:
    """Exact fractions as a row vector in LaTeX."""
    parts = [entry.partition("/") for entry in entries]
    shown = [rf"\tfrac{{{above}}}{{{below}}}" if below else above for above, _, below in parts]
    return "$(" + r",\,".join(shown) + ")$"


def band(axis, runs: list[dict], x: str, y: str, **line) -> None:
    """Median over the runs of a curve, with their whole range as a band.

    Args:
        axis: the panel.
        runs: runs of one variant, whose curves have the same length.
        x, y: names of curves.
        **line: keywords of the line.
    """
    values = np.array([run["curves"][y] for run in runs], dtype=float)
    across = np.array(runs[0]["curves"][x], dtype=float)
    (drawn,) = axis.plot(across, np.nanmedian(values, axis=0), **line)
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    axis.fill_between(across, low, high, color=drawn.get_color(), alpha=0.15, linewidth=0)
