"""What a result holds: the names that an experiment writes and the report reads.

A study's `schema.py` has two functions, `metrics(settings)` and `curves(settings)`, which give the
names in a result with these settings, and where needed `optional(settings)`, metrics that not every
run has. `save` refuses a result with other names before it writes it,
the report one that it reads. Schemas import neither Keras nor NumPy.
"""

import functools
import importlib
import tomllib
from collections.abc import Collection, Iterable
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

EXPERIMENTS = Path(__file__).parents[1]


class SchemaError(ValueError):
    """A result has other names than its study's schema."""


def names(*parts: str | Iterable[Any]) -> list[str]:
    """All ways to take a word of each part, joined by underscores.

    Args:
        *parts: Words in one string, or an iterable of them: `names("bp rai", "loss rate")`.
    """
    words = [part.split() if isinstance(part, str) else map(str, part) for part in parts]
    return ["_".join(one) for one in product(*words)]


def check(
    experiment: str,
    settings: dict[str, Any],
    metrics: Collection[str],
    curves: Collection[str],
) -> None:
    """Raises a `SchemaError` unless a result has the names that its study's schema says.

    Args:
        experiment: Its name in a study's profiles.toml.
        settings: All settings of the run.
        metrics, curves: The result's names.
    """
    schema = of(experiment)
    for what, found in (("metrics", metrics), ("curves", curves)):
        try:
            wanted = set(getattr(schema, what)(settings))
        except KeyError as error:
            raise SchemaError(
                f"A result of {experiment} must have the settings that {schema.__name__} reads. "
                f"Received: none named {error}"
            ) from None
        more = (
            schema.optional(settings) if what == "metrics" and hasattr(schema, "optional") else ()
        )
        unknown, missing = sorted(set(found) - wanted - {*more}), sorted(wanted - set(found))
        if unknown or missing:
            raise SchemaError(
                f"A result of {experiment} must have the {what} of {schema.__name__}. Received: "
                f"{', '.join(unknown) or 'nothing'} that it does not name, without "
                f"{', '.join(missing) or 'nothing that it names'}"
            )


@functools.cache
def of(experiment: str) -> ModuleType:
    """The schema of the study that an experiment belongs to."""
    for file in sorted(EXPERIMENTS.glob("e[0-9][0-9]_*/profiles.toml")):
        if experiment in tomllib.loads(file.read_text(encoding="utf-8")):
            return importlib.import_module(f"experiments.{file.parent.name}.schema")
    raise SchemaError(
        f"An experiment must stand in a study's profiles.toml. Received: experiment={experiment!r}"
    )
