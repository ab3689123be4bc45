"""Reads e07_trials.toml, the search on held-out data behind the settings of the mini-batch runs."""

import tomllib
from pathlib import Path

EXPERIMENT = "e07_minibatch"
FILE = Path(__file__).with_name("e07_trials.toml")


def read() -> dict[str, list[dict]]:
    """The trials of each variant, in the order in which they were made."""
    found: dict[str, list[dict]] = {}
    for trial in tomllib.loads(FILE.read_text(encoding="utf-8"))["trials"]:
        found.setdefault(trial["variant"], []).append(trial)
    return found


def best(tried: list[dict]) -> dict:
    """The trial with the highest held-out accuracy; of equal ones the first."""
    return max(tried, key=lambda trial: trial["accuracy"])
