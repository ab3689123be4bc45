"""Committed results after a change of code: do the present sources still give them?

A change that alters no number would otherwise cost a night of training. One run of each variant is
made again; if every number but the times is the same, the variant's results get the present key,
and their provenance says which key they were trained with and which run confirmed it.
"""

import json
from pathlib import Path
from typing import Any

from experiments.driver.errors import DriverError
from experiments.driver.files import write_if_changed
from experiments.driver.profiles import Experiment, Run
from experiments.driver.state import glance

# The last words of names whose values differ from run to run on one machine: times, their ratios,
# memory of the process.
MEASURED = ("seconds", "milliseconds", "ratio", "bytes")
COMPARED = ("status", "settings", "metrics", "curves", "landscape")


def stale(reference: Path, experiment: Experiment) -> list[Run]:
    """The runs whose committed result belongs to other sources than the present ones."""
    keys = {run.path: glance(reference / experiment.name / run.path)[1] for run in experiment.runs}
    return [run for run in experiment.runs if keys[run.path] not in (None, run.key)]


def witnesses(reference: Path, experiment: Experiment, stale: list[Run]) -> list[Run]:
    """The committed run with the lowest seed of every variant that has stale ones."""
    lowest: dict[str, Run] = {}
    for run in sorted(experiment.runs, key=lambda run: run.seed):
        if (reference / experiment.name / run.path).exists():
            lowest.setdefault(run.variant, run)
    return [lowest[variant] for variant in dict.fromkeys(run.variant for run in stale)]


def compare(committed: Path, fresh: Path, name: str) -> None:
    """Raises a `DriverError` unless two result files hold the same numbers, `MEASURED` apart."""
    old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (committed, fresh))
    for part in COMPARED:
        before, now = _without_times(old[part]), _without_times(new[part])
        if before != now:
            raise DriverError(
                f"{name} must give the committed result again, number for number. Its {part} "
                f"differ{_example(before, now)}. Train it again: make results PROFILE=full"
            )


def rekey(path: Path, run: Run, witness: Path) -> None:
    """Gives a committed result the present key, and says so in its provenance."""
    made = json.loads(witness.read_text(encoding="utf-8"))
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines):
        if line.startswith('"provenance": '):
            provenance = json.loads("{" + line.removesuffix(",") + "}")["provenance"]
            trained = provenance.get("confirmed", {}).get("trained_key", provenance["key"])
            provenance["key"] = run.key
            provenance["confirmed"] = {
                "trained_key": trained,
                "seed": made["seed"],
                **{name: made["provenance"][name] for name in ("commit", "dirty", "utc")},
            }
            comma = "," if line.endswith(",") else ""
            lines[number] = f'"provenance": {json.dumps(provenance)}{comma}'
    write_if_changed(path, "\n".join(lines))


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: v for name, v in value.items() if name.rpartition("_")[2] not in MEASURED}
    return value


def _example(before: Any, now: Any) -> str:
    """The first entry that differs, where there are named ones."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return ""
    name = next(n for n in {**before, **now} if before.get(n) != now.get(n))
    if isinstance(before.get(name), list):
        return f", first in {name}"
    return f": {name} was {before.get(name)!r} and is {now.get(name)!r}"
