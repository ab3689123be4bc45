"""Reads the search behind a study's settings: its trials.toml, made on held-out data."""

import tomllib
from pathlib import Path

from report.lib import latex
from report.lib.looks import Experiment


def read(file: Path, experiment: str = "") -> dict[str, list[dict]]:
    """The trials of each variant of an experiment, in the order in which they were made.

    Where a file holds the trials of several experiments, every trial names its own.
    """
    found: dict[str, list[dict]] = {}
    for trial in tomllib.loads(file.read_text(encoding="utf-8"))["trials"]:
        if trial.get("experiment", "") == experiment:
            found.setdefault(trial["variant"], []).append(trial)
    return found


def best(tried: list[dict]) -> dict:
    """The trial with the lowest held-out loss or the highest accuracy; of equal ones the first."""
    return min(tried, key=lambda one: one["loss"] if "loss" in one else -one["accuracy"])


def macros(tried: dict[str, list[dict]], experiment: Experiment) -> dict[str, str]:
    """How many trials a variant had."""
    count = max(len(made) for made in tried.values())
    return {latex.prefix(experiment) + "Trials": latex.integer(count)}
