"""What a study's looks.py is made of: experiments, their variants, the dashes of lines."""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

Dashes = str | tuple[int, tuple[float, ...]]  # as matplotlib takes them
DASHED: Dashes = (0, (4, 1.5))
DOTTED: Dashes = (0, (1, 1.2))
DASHDOT: Dashes = (0, (4, 1.2, 1, 1.2))
LONG: Dashes = (0, (7, 1.5))
TWODOT: Dashes = (0, (4, 1.2, 1, 1.2, 1, 1.2))
SPARSE: Dashes = (0, (3, 3))
LINES: tuple[Dashes, ...] = ("solid", DASHED, DOTTED, DASHDOT, LONG, TWODOT, SPARSE)


class Variant(NamedTuple):
    """How a variant is called and drawn."""

    label: str
    colour: int | str  # index into seaborn's colorblind palette, or a grey
    line: Dashes
    marker: str
    relaxed: bool


@dataclass(frozen=True, eq=False)
class Experiment:
    """An experiment of a study: its variants are those of its study's profiles.toml.

    Args:
        name: that of its results.
        variants: in their printed order.
        partial: whether a profile may leave out variants, or all of them.
        named: whether its macros carry its name beside its number, as they have to where
            experiments share a number.
    """

    name: str
    variants: dict[str, Variant]
    partial: bool = False
    named: bool = False

    def label(self, variant: str) -> str:
        return self.variants[variant].label


def told_apart(variants: dict[str, Variant], markers: str) -> dict[str, Variant]:
    """The variants, each with a line and marker that no other has; figures tell them by place."""
    looks = product(markers, LINES)
    return {
        name: variant._replace(marker=marker, line=line)
        for (name, variant), (marker, line) in zip(variants.items(), looks, strict=False)
    }
