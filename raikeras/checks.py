"""Checks of settings, used by target rules and weight steps: one message each, before any work."""

from numbers import Integral, Real
from typing import Any


def check_integer(name: str, value: Any, least: int, optional: bool = False) -> None:
    """Raises a `ValueError` unless `value` is an integer of at least `least`, or `None`."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        wanted = "a positive integer" if least == 1 else f"an integer of {least} or more"
        raise ValueError(
            f"`{name}` must be {wanted}{' or None' * optional}. Received: {name}={value!r}"
        )


def check_positive(name: str, value: Any, optional: bool = False) -> None:
    """Raises a `ValueError` unless `value` is a positive, finite number, or `None`."""
    if value is None and optional:
        return
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0 < float(value) < float("inf"):
        raise ValueError(
            f"`{name}` must be a positive float{' or None' * optional}. Received: {name}={value!r}"
        )
