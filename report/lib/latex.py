"""Writes numbers, intervals and booktabs tables as LaTeX, and names macros."""

import math
import re
from collections.abc import Iterable
from pathlib import Path

from report.lib.looks import Experiment
from report.lib.stats import Estimate

NONE = "--"
LEFT_OUT = "not in this profile"
SPECIAL = {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}"}
SPECIAL |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}


def escape(text: object) -> str:
    """Plain text for LaTeX."""
    return "".join(SPECIAL.get(letter, letter) for letter in str(text))


def fixed(value: float, digits: int = 3) -> str:
    """A decimal number, as accuracies are written."""
    return f"{value:.{digits}f}".replace("-", "$-$") if math.isfinite(value) else NONE


def percent(value: float) -> str:
    """A share in per cent, without the sign."""
    return fixed(100 * value, 1)


def significant(value: float, digits: int = 2) -> str:
    """A number over many orders of magnitude, as losses are written."""
    if not math.isfinite(value):
        return NONE
    text = f"{value:.{digits - 1}e}"
    exponent = int(text.partition("e")[2])
    if value == 0 or -2 <= exponent <= 3:
        return rf"\num{{{float(text):.{max(0, digits - 1 - exponent)}f}}}"
    return rf"\num{{{text}}}"


def loss(value: float) -> str:
    """A loss with three significant digits."""
    return significant(value, 3)


def seconds(value: float) -> str:
    """A time with three significant digits, without its unit."""
    return significant(value, 3)


def integer(value: float) -> str:
    """A whole number, its thousands grouped."""
    return rf"\num{{{round(value)}}}" if math.isfinite(value) else NONE


def interval(estimate: Estimate, write) -> str:
    """The bounds of an interval, or nothing if there are too few runs for one."""
    if not math.isfinite(estimate.low):
        return ""
    return rf"[{write(estimate.low)},\,{write(estimate.high)}]"


def with_interval(estimate: Estimate, write) -> str:
    """Value and bounds, for running text."""
    return f"{write(estimate.value)} {interval(estimate, write)}".strip()


def camel(name: str) -> str:
    """A macro name's part: letters only, so digits are spelled."""
    digits = "Zero One Two Three Four Five Six Seven Eight Nine".split()
    parts = re.split(r"[^A-Za-z0-9]+", name)
    joined = "".join(part[:1].upper() + part[1:] for part in parts)
    return re.sub(r"\d", lambda match: digits[int(match[0])], joined)


def prefix(experiment: Experiment) -> str:
    """What an experiment's macros begin with: its number, and its name if it is named."""
    number, _, name = experiment.name.partition("_")
    return "E" + camel(str(int(number[1:]))) + (camel(name) if experiment.named else "")


def current(experiment: str) -> str:
    """The macro of numbers.tex that says how many runs belong to the present sources."""
    return "Current" + camel(experiment)


def stacked(cells: list[tuple[str, str]]) -> list[str]:
    """Two table lines of one row: the values and, smaller below them, their intervals."""
    below = [rf"{{\scriptsize {under}}}" if under else "" for _, under in cells]
    return [" & ".join(value for value, _ in cells), " & ".join(below)]


def table(columns: str, header: list[str], lines: list[str]) -> str:
    """A booktabs tabular; a line that starts with a backslash is a rule or space as it stands."""
    body = [line if line.startswith("\\") else line + r" \\" for line in lines]
    head = " & ".join(header) + r" \\"
    begin = rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}"
    return "\n".join(
        [begin, r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
    )


def grouped(titles: Iterable[str], names: list[str]) -> list[str]:
    """A header of two lines: titles, each over its equal share of names; no name in column one."""
    titles = [*titles]
    width = len(names) // len(titles)
    above = [rf"\multicolumn{{{width}}}{{c}}{{{title}}}" for title in titles]
    starts = [2 + width * number for number in range(len(titles))]
    rules = " ".join(rf"\cmidrule(lr){{{start}-{start + width - 1}}}" for start in starts)
    return [rf" & {' & '.join(above)} \\" + f"\n{rules}\n", *names]


def long_table(columns: str, header: list[str], lines: list[str], caption: str) -> str:
    """A table of as many pages as it needs, its head on each: only for text in one column."""
    first = [rf"\caption{{{caption}}}\\", r"\toprule"]
    others = [r"\caption[]{Continued.}\\", r"\toprule"]
    head = [" & ".join(header) + r" \\", r"\midrule"]
    body = [line if line.startswith("\\") else line + r" \\" for line in lines]
    begin, end = rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}", r"\end{longtable}"
    heads = [*first, *head, r"\endfirsthead", *others, *head, r"\endhead"]
    return "\n".join([begin, *heads, r"\bottomrule", r"\endfoot", *body, end])


def write(out: Path, text: str) -> None:
    """One generated file; the final comment sign keeps \\input from adding a space."""
    out.write_text(text + "%\n", encoding="utf-8")
