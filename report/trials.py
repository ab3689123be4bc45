"""Reads the trials behind the settings of e07 and e10: trials.toml of their studies."""

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "experiments"


def read(experiment: str) -> dict[str, list[dict]]:
    """The trials of each variant of an experiment, in the order in which they were made.

    A file holds the trials of all experiments with its number; where these are several, every
    trial names its own.
    """
    found: dict[str, list[dict]] = {}
    for file in FOLDER.glob(f"{experiment.partition('_')[0]}_*/trials.toml"):
        for trial in tomllib.loads(file.read_text(encoding="utf-8")).get("trials", []):
            if trial.get("experiment", experiment) == experiment:
                found.setdefault(trial["variant"], []).append(trial)
    return found


def best(tried: list[dict]) -> dict:
    """The trial with the lowest held-out loss or the highest accuracy; of equal ones the first."""
    return min(tried, key=lambda one: one["loss"] if "loss" in one else -one["accuracy"])
