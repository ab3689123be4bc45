"""What lies on disk: current results, and the stamps and status.json made from them."""

import json
import os
from pathlib import Path

from experiments.driver.errors import DriverError, describe
from experiments.driver.files import write_if_changed
from experiments.driver.keys import digest
from experiments.driver.profiles import Experiment, Run


def glance(path: Path) -> tuple[str | None, str | None, str]:
    """Status, content key and digest of one result file; (None, None, "") if it is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None, None, ""
    found = {}
    try:
        # results.py writes one line for each entry: no need to parse curves and landscapes.
        for line in text.splitlines():
            if line.startswith(('"status": ', '"provenance": ')):
                found.update(json.loads("{" + line.removesuffix(",") + "}"))
        if len(found) < 2 or not text.endswith("}\n"):
            found = json.loads(text)
        return found["status"], found["provenance"]["key"], digest(text)
    except (ValueError, KeyError, TypeError):
        return None, None, ""


def is_current(folder: Path, experiment: Experiment, run: Run) -> bool:
    """Whether the run's result exists and belongs to the present sources."""
    status, key, _ = glance(folder / experiment.name / run.path)
    return status in ("ok", "diverged") and key == run.key


def write_stamp(folder: Path, stamps: Path, experiment: Experiment) -> None:
    """Rewrites EXPERIMENT.stamp if, and only if, the experiment's set of results changed."""
    lines = []
    for run in sorted(experiment.runs, key=lambda run: run.path):
        status, key, content = glance(folder / experiment.name / run.path)
        if status:
            lines.append(f"{run.path} {key} {content}")
    write_if_changed(stamps / f"{experiment.name}.stamp", "\n".join([*lines, ""]))


def write_status(folder: Path, file: Path, profile: str, experiments: list[Experiment]) -> dict:
    """Rewrites status.json if it changed; returns its content."""
    content: dict = {"profile": profile, "experiments": {}}
    for experiment in experiments:
        variants = {
            variant: {"expected": 0, "present": 0, "stale": 0, "diverged": 0}
            for variant in experiment.variants
        }
        for run in experiment.runs:
            status, key, _ = glance(folder / experiment.name / run.path)
            counts = variants[run.variant]
            counts["expected"] += 1
            counts["present"] += status is not None
            counts["stale"] += status is not None and key != run.key
            counts["diverged"] += status == "diverged"
        content["experiments"][experiment.name] = {"title": experiment.title, "variants": variants}
    write_if_changed(file, json.dumps(content, indent=1) + "\n")
    return content


def set_aside(results: Path, aside: Path, experiments: list[Experiment]) -> None:
    """Moves results that the profile no longer asks for out of the report's sight, and back."""
    expected = {f"{e.name}/{run.path}": run for e in experiments for run in e.runs}
    for path in sorted(results.glob("*/*/seed-*.json")):
        name = path.relative_to(results).as_posix()
        if name not in expected:
            move(path, aside / name)
    for path in sorted(aside.glob("*/*/seed-*.json")):
        name = path.relative_to(aside).as_posix()
        wanted = name in expected and glance(path)[1] == expected[name].key
        if wanted and not (results / name).exists():
            move(path, results / name)


def remove_leftovers(results: Path, variants: list[str]) -> None:
    """Removes temporary files of runs of an experiment that were killed while they saved."""
    for variant in variants:
        for path in (results / variant).glob(".seed-*.tmp"):
            path.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Renames a file, with one clear error where that is not allowed."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)
    except OSError as error:
        raise DriverError(describe(error, target)) from None
