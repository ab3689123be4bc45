"""Committed results after a change of code: do the present sources still give them?

A change that alters no number would otherwise cost a night of training. One run of each variant is
made again; if every number but the times is the same, the variant's results get the present key,
and their provenance says which key they were trained with and which run confirmed it. Where a run
is long, the experiment's profile `confirm` has a short one, of the same sizes: it is made by the
present code and by that of the commit that made the results.
"""

import functools
import io
import json
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from experiments.driver import chunks, profiles, work
from experiments.driver.errors import DriverError
from experiments.driver.files import write_if_changed
from experiments.driver.keys import digest
from experiments.driver.profiles import Experiment, Run
from experiments.driver.state import glance

PROFILE = "confirm"
NOT_CODE = {"docs", "report", "tests"}  # of what lies at the top
# The last words of names whose values differ from run to run on one machine: times, their ratios,
# bytes of rows, which follow from the settings.
MEASURED = ("seconds", "milliseconds", "ratio", "bytes")
COMPARED = ("status", "settings", "metrics", "curves", "landscape")


class Witness(NamedTuple):
    """A result of the code that made a variant's committed results, and one of the present code."""

    run: Run
    committed: Path
    fresh: Path


def made(
    root: Path, reference: Path, experiment: Experiment, stale: list[Run]
) -> tuple[list[Witness], dict[str, str]]:
    """Makes a witness, or one for each commit, of every variant that has stale runs.

    Returns:
        The witnesses, and by variant what to tell of those that cannot have one.
    """
    if PROFILE not in profiles.read(root)[experiment.name][1]["profiles"]:
        runs = witnesses(reference, experiment, stale)
        fresh = _results(root, replace(experiment, runs=runs))
        return [Witness(r, reference / experiment.name / r.path, fresh / r.path) for r in runs], {}
    (short,) = profiles.load(root, PROFILE, [experiment.name], committed=True)
    found = []
    commits, refused = _by_commit(root, reference, experiment, stale)
    for commit, variants in commits.items():
        runs = [run for run in short.runs if run.variant in variants - {*refused}]
        fresh = _results(root, replace(short, runs=runs))
        code = _code(root, commit)
        there = replace(
            short,
            script=code / short.script.relative_to(root),
            runs=[
                replace(run, key=digest([commit, run.variant, run.seed, run.settings]))
                for run in runs
            ],
        )
        before = _results(code, there)
        found += [Witness(run, before / run.path, fresh / run.path) for run in runs]
    return found, refused


def _results(root: Path, experiment: Experiment) -> Path:
    """Makes what is missing of an experiment's runs with the code of a folder."""
    for chunk in chunks.of(experiment):
        work.complete(root, PROFILE, chunk)
    return root / "build" / PROFILE / "results" / experiment.name


def _by_commit(
    root: Path, reference: Path, experiment: Experiment, stale: list[Run]
) -> tuple[dict[str, set[str]], dict[str, str]]:
    """Variants with stale runs by the commit whose code gives their results; those without one."""
    found: dict[str, set[str]] = {}
    refused = {}
    for run in stale:
        path = reference / experiment.name / run.path
        provenance = json.loads(path.read_text(encoding="utf-8"))["provenance"]
        # A commit tells little of what was not committed; the key tells whether that mattered.
        fitting = [
            commit
            for commit, key in _origins(provenance)
            if commit and _keys(root, commit, experiment.name).get(run.path) == key
        ]
        if fitting:
            found.setdefault(fitting[0], set()).add(run.variant)
        else:
            refused[run.variant] = (
                f"{experiment.name}/{run.path} must have been made by the code of a commit, to be "
                f"confirmed by a short run. Received: other code than that of "
                f"{provenance['commit']}. Train it again: make results PROFILE=full"
            )
    return found, refused


def _origins(provenance: dict) -> list[tuple[str | None, str]]:
    """Commits, and content keys with them, of runs with a result's numbers: the last one first."""
    again = provenance.get("confirmed")
    if again is None:
        return [(provenance["commit"], provenance["key"])]
    trained = provenance["commit"], again["trained_key"]
    return [(again["commit"], provenance["key"]), trained]


@functools.cache
def _keys(root: Path, commit: str, name: str) -> dict[str, str]:
    """The content keys of an experiment's runs with the code of a commit."""
    try:
        (experiment,) = profiles.load(_code(root, commit), "full", [name], committed=True)
    except DriverError:  # it was not there yet
        return {}
    return {run.path: run.key for run in experiment.runs}


def _code(root: Path, commit: str) -> Path:
    """A folder with the code of a commit."""
    folder = root / "build" / PROFILE / "code" / commit
    if not folder.exists():
        listed = _git(root, commit, "ls-tree", "--name-only", commit).decode().split()
        packed = _git(root, commit, "archive", commit, *(set(listed) - NOT_CODE))
        part = folder.with_name(f".{commit}.part")
        shutil.rmtree(part, ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(part, filter="data")
        part.rename(folder)
    return folder


def _git(root: Path, commit: str, *words: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)
        said = done.stderr.decode().strip()
    except FileNotFoundError:
        done, said = None, "there is no git"
    if done is None or done.returncode:
        raise DriverError(
            f"The clone must have the commit that made the results, {commit}. Received: {said}"
        )
    return done.stdout


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


def differences(name: str, found: list[Witness]) -> dict[str, str]:
    """What to tell of an experiment's variants whose witnesses differ."""
    differ = {}
    for run, committed, fresh in found:
        try:
            compare(committed, fresh, f"{name} {run.variant} seed {run.seed}")
        except DriverError as error:  # the others may be confirmed nevertheless
            differ[run.variant] = str(error)
    return differ


def rekey_variant(
    reference: Path, name: str, variant: str, stale: list[Run], found: list[Witness]
) -> None:
    """Makes a variant's stale results current."""
    fresh = next(one.fresh for one in found if one.run.variant == variant)
    for run in stale:
        if run.variant == variant:
            rekey(reference / name / run.path, run, fresh)


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
