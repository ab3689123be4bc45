"""Committed results after a change of code: do the present sources still give them?

A change that alters no number would otherwise cost a night of training. One run of each variant is
made again; if every number but the times is the same, the variant's results get the present key,
and their provenance says which key they were trained with and which run confirmed it. Where a run
is long, the experiment's profile `confirm` has a short one of the same networks, with fewer steps
and examples: it is made by the present code and by that of a commit that gives the results.
"""

import functools
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from experiments.driver import chunks, profiles, work
from experiments.driver.errors import DriverError
from experiments.driver.files import write_if_changed
from experiments.driver.keys import digest, versions
from experiments.driver.profiles import LOCK, Experiment, Run
from experiments.driver.state import glance

PROFILE = "confirm"
BROUGHT = 4  # of the commits that touched a result, the last ones are looked at
NOT_CODE = {"docs", "report", "tests"}  # of what lies at the top
# The last words of names whose values differ from run to run on one machine.
TIMES = ("seconds", "milliseconds")
RATIOS = ("_floor_ratio", "_ratio")  # of times, if what stands before them has seconds, too
COMPARED = ("status", "settings", "metrics", "curves", "landscape")


class Witness(NamedTuple):
    """A result of the code that made a variant's committed results, and one of the present code."""

    run: Run
    committed: Path
    fresh: Path


def made(root: Path, reference: Path, experiment: Experiment, stale: list[Run]) -> list[Witness]:
    """Makes a witness, or one for each commit, of every variant that has stale runs.

    A variant has short ones if the profile `confirm` has it and commits are known whose code gives
    its results with the present settings, backend and versions; else its shortest is a whole run.
    """
    short = _short(root, experiment)
    commits = _by_commit(root, reference, experiment, stale, {*short})
    briefly = set().union(*commits.values()) if commits else set()
    runs = witnesses(reference, experiment, [run for run in stale if run.variant not in briefly])
    fresh = _results(root, replace(experiment, runs=runs))
    found = [Witness(r, reference / experiment.name / r.path, fresh / r.path) for r in runs]
    for commit, variants in commits.items():
        found += _brief(root, commit, experiment, [short[one] for one in sorted(variants)])
    return found


def _short(root: Path, experiment: Experiment) -> dict[str, Run]:
    """The short runs that an experiment has, by variant."""
    if PROFILE not in profiles.read(root)[experiment.name][1]["profiles"]:
        return {}
    (short,) = profiles.load(root, PROFILE, [experiment.name], committed=True)
    return {run.variant: run for run in reversed(short.runs)}


def _brief(root: Path, commit: str, experiment: Experiment, runs: list[Run]) -> list[Witness]:
    """Short runs with the code of a commit and with the present one."""
    fresh = _results(root, replace(experiment, runs=runs))
    code = _code(root, commit)
    old = [replace(run, key=digest([commit, run.variant, run.seed, run.settings])) for run in runs]
    script = _then(root, commit, experiment.name)[0]
    before = _results(code, replace(experiment, script=script, runs=old))
    return [Witness(run, before / run.path, fresh / run.path) for run in runs]


def _results(root: Path, experiment: Experiment) -> Path:
    """Makes what is missing of an experiment's runs with the code of a folder."""
    for chunk in chunks.of(experiment):
        work.complete(root, PROFILE, chunk)
    return root / "build" / PROFILE / "results" / experiment.name


def _by_commit(
    root: Path, reference: Path, experiment: Experiment, stale: list[Run], wanted: set[str]
) -> dict[str, set[str]]:
    """By commit the wanted variants whose stale results, all of them, commits' code gives."""
    found: dict[str, set[str]] = {}
    without = set()
    for run in stale:
        if run.variant not in wanted:
            continue
        path = reference / experiment.name / run.path
        commit = _commit_of(root, path, experiment, run)
        if commit is None:
            without.add(run.variant)
        else:
            found.setdefault(commit, set()).add(run.variant)
    return {commit: variants - without for commit, variants in found.items() if variants - without}


def _commit_of(root: Path, path: Path, experiment: Experiment, run: Run) -> str | None:
    """A commit whose code gives a committed result by its key, and differs in code alone.

    What was trained before a commit was made stands in the commits that brought its file.
    """
    for commit, key in _origins(root, path):
        if commit is None:
            continue
        script, then = _then(root, commit, experiment.name)
        old = then.get(run.path)
        if old is None or old.key != key or old.backend != run.backend:
            continue
        settings = [
            {**profiles.script_settings(file), **one.settings}
            for file, one in ((script, old), (experiment.script, run))
        ]
        locked = [versions(each / LOCK, run.backend) for each in (_code(root, commit), root)]
        if settings[0] == settings[1] and locked[0] == locked[1]:
            return commit
    return None


def _origins(root: Path, path: Path) -> Iterator[tuple[str | None, str]]:
    """Commits, and content keys with them, of runs with a result's numbers: the likeliest first."""
    provenance = json.loads(path.read_text(encoding="utf-8"))["provenance"]
    again = provenance.get("confirmed")
    if again is not None:
        yield again["commit"], provenance["key"]
    yield provenance["commit"], again["trained_key"] if again else provenance["key"]
    listed = _git(root, "the clone", "log", "--format=%H", "--", str(path)).decode().split()
    yield from ((commit, provenance["key"]) for commit in listed[:BROUGHT])


@functools.cache
def _then(root: Path, commit: str, name: str) -> tuple[Path, dict[str, Run]]:
    """An experiment's script and its runs with the code of a commit; no runs if there are none."""
    try:
        (experiment,) = profiles.load(_code(root, commit), "full", [name], committed=True)
    except DriverError:  # of the experiment, or of the commit in this clone
        return root, {}
    return experiment.script, {run.path: run for run in experiment.runs}


def _code(root: Path, commit: str) -> Path:
    """A folder with the code of a commit."""
    folder = root / "build" / PROFILE / "code" / commit
    if not folder.exists():
        what = f"the commit that made results, {commit}"
        listed = _git(root, what, "ls-tree", "--name-only", commit).decode().split()
        packed = _git(root, what, "archive", commit, *(set(listed) - NOT_CODE))
        part = folder.with_name(f".{commit}.part")
        shutil.rmtree(part, ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(part, filter="data")
        part.rename(folder)
    return folder


def _git(root: Path, what: str, *words: str) -> bytes:
    """What git prints."""
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)
        said = done.stderr.decode().strip()
    except FileNotFoundError:
        done, said = None, "there is no git"
    if done is None or done.returncode:
        raise DriverError(
            f"To confirm results by short runs, git must know {what}. Received: {said}"
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
    """Raises a `DriverError` unless two result files hold the same numbers, times apart."""
    old, new = (json.loads(path.read_text(encoding="utf-8")) for path in (committed, fresh))
    for part in COMPARED:
        before, now = _without_times(old[part]), _without_times(new[part])
        if part == "settings":  # one that the script has got since then is judged by the numbers
            now = {name: now[name] for name in now if name in before}
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
    text = path.read_text(encoding="utf-8")
    settings = json.loads(text)["settings"]
    short = any(made["settings"].get(name) != value for name, value in settings.items())
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith('"provenance": '):
            provenance = json.loads("{" + line.removesuffix(",") + "}")["provenance"]
            trained = provenance.get("confirmed", {}).get("trained_key", provenance["key"])
            provenance["key"] = run.key
            provenance["confirmed"] = {
                "trained_key": trained,
                "seed": made["seed"],
                "short": short,
                **{name: made["provenance"][name] for name in ("commit", "dirty", "utc")},
            }
            comma = "," if line.endswith(",") else ""
            lines[number] = f'"provenance": {json.dumps(provenance)}{comma}'
    write_if_changed(path, "\n".join(lines))


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: v for name, v in value.items() if not _is_time(name, value)}
    return value


def _is_time(name: str, names: dict[str, Any]) -> bool:
    stems = [name.removesuffix(end) for end in RATIOS if name.endswith(end)]
    return name.rpartition("_")[2] in TIMES or any(f"{stem}_seconds" in names for stem in stems)


def _example(before: Any, now: Any) -> str:
    """The first entry that differs, where there are named ones."""
    if not isinstance(before, dict) or not isinstance(now, dict):
        return ""
    name = next(n for n in {**before, **now} if before.get(n) != now.get(n))
    if isinstance(before.get(name), list):
        return f", first in {name}"
    return f": {name} was {before.get(name)!r} and is {now.get(name)!r}"
