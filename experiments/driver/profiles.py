"""The studies' profiles.toml and parameters cells, read and checked before anything starts.

A study is a folder `experiments/eNN_name` with its script `experiment.py` and a `profiles.toml`,
which holds every variant, seed and size of its experiments. A run's settings are the script's
defaults, then its variant's entry, then the profile's `all`, then the profile's entry for the
variant; `seeds` is the number of seeds, 0 leaves a variant out. A setting that the script does not
have is an error. A variant may name a backend of its own. What an experiment `like` another of its
file does not have itself is that one's, profile by profile.

smoke: everything, tiny. quick: minutes on 2 cores. full: the paper. confirm: what `make confirm`
runs in place of `full`, where that takes long: all variants, the same networks, few steps.
"""

import ast
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiments.driver.code import parse
from experiments.driver.errors import DriverError
from experiments.driver.keys import Sources, digest, versions

BACKENDS = ("tensorflow", "jax")
LOCK = "requirements/all.txt"
PARAMETERS = ("results", "provenance", "runs", "settings")
ENTRY = {"title", "backend", "minutes_per_run", "alone", "variants", "profiles", "like"}


@dataclass
class Run:
    """One result to be: an experiment's variant with one seed."""

    variant: str
    seed: int
    settings: dict[str, Any]  # what differs from the script's defaults
    key: str
    backend: str

    @property
    def path(self) -> str:
        """Where the result lies below its experiment's folder."""
        return f"{self.variant}/seed-{self.seed}.json"


@dataclass
class Experiment:
    """One script with the runs that a profile asks of it."""

    name: str
    title: str
    script: Path
    backend: str  # of the variants that name none
    minutes_per_run: float
    alone: bool  # whether nothing may run beside it, for its results are times
    variants: list[str]
    runs: list[Run] = field(default_factory=list)


def load(
    root: Path, profile: str, names: list[str], *, committed: bool = False
) -> list[Experiment]:
    """Experiments of a profile, in the file's order, with all their runs.

    Args:
        root: the project's folder.
        profile: a profile's name.
        names: experiments wanted; none means all.
        committed: describe what profiles.toml says, whatever KERAS_BACKEND is set to.
    """
    entries = read(root)
    where = root / "experiments" / "e*" / "profiles.toml"
    for name in names:
        _known("experiment", name, entries, where)
    known_profiles = {p: None for _, entry in entries.values() for p in entry.get("profiles", {})}
    _known("profile", profile, known_profiles, where)
    sources = Sources([root], root / "build" / "keys.json")
    found = [
        _experiment(root, name, study, entry, profile, sources, committed)
        for name, (study, entry) in entries.items()
        if (name in names or not names) and profile in entry.get("profiles", {})
    ]
    sources.remember()
    return found


def read(root: Path) -> dict[str, tuple[Path, dict]]:
    """By experiment, its study's folder and what profiles.toml says of it."""
    found: dict[str, tuple[Path, dict]] = {}
    for file in sorted((root / "experiments").glob("e[0-9][0-9]_*/profiles.toml")):
        try:
            entries = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise DriverError(f"{file} must be readable. Received: {error.strerror}.") from None
        except tomllib.TOMLDecodeError as error:
            raise DriverError(f"{file} must be valid TOML. Received: {error}.") from None
        for name, entry in entries.items():
            if name in found:
                raise DriverError(
                    f"An experiment's name must stand in one study's profiles.toml. Received: "
                    f"{name} in {found[name][0].name} and in {file.parent.name}."
                )
            found[name] = file.parent, _completed(name, entry, entries)
    return found


def _completed(name: str, entry: dict, entries: dict) -> dict:
    """An entry with what it has of the one that it is like."""
    if "like" not in entry:
        return entry
    others = [one for one, other in entries.items() if "like" not in other]
    _known("experiment", entry["like"], others, f"`like` of [{name}]")
    other = entries[entry["like"]]
    own = {
        profile: {**other["profiles"].get(profile, {}), **chosen}
        for profile, chosen in entry.get("profiles", {}).items()
    }
    return {**other, **entry, "profiles": {**other["profiles"], **own}}


def _experiment(
    root: Path,
    name: str,
    study: Path,
    entry: dict,
    profile: str,
    sources: Sources,
    committed: bool,
) -> Experiment:
    for key in entry:
        _known("entry", key, ENTRY, f"[{name}]")
    script = study / "experiment.py"
    defaults = script_settings(script)
    variants, chosen = entry.get("variants", {}), entry["profiles"][profile]
    where = f"[{name}.profiles.{profile}]"
    for key in chosen:
        _known("variant", key, {*variants, "seeds", "all"}, where)
    experiment = Experiment(
        name=name,
        title=entry.get("title", name),
        script=script,
        backend=_backend(name, entry.get("backend", "tensorflow"), committed),
        minutes_per_run=entry.get("minutes_per_run", 60),
        alone=entry.get("alone", False),
        variants=list(variants),
    )
    for variant, own in variants.items():
        # What a variant names is what it measures: KERAS_BACKEND must not change it.
        backend = own.get("backend", experiment.backend)
        _known("backend", backend, BACKENDS, f"variant {variant} of [{name}]")
        given = {k: v for k, v in own.items() if k != "backend"}
        chosen_here = {k: v for k, v in chosen.get(variant, {}).items() if k != "seeds"}
        changes = {**given, **chosen.get("all", {}), **chosen_here}
        for key, value in changes.items():
            _setting(key, value, defaults, script, f"variant {variant} of {where}")
        settings = {**defaults, **changes}
        code = sources.digests(script, backend), versions(root / LOCK, backend)
        for seed in range(_seeds(chosen.get(variant, {}).get("seeds", chosen.get("seeds")), where)):
            identity = [name, variant, seed, settings, backend, *code]
            experiment.runs.append(Run(variant, seed, changes, digest(identity), backend))
    # Seeds outermost: the first sweep shows every variant and tells how long the others take.
    experiment.runs.sort(key=lambda run: run.seed)
    return experiment


def script_settings(script: Path) -> dict[str, Any]:
    """The literal defaults in a script's parameters cell."""
    values: dict[str, ast.expr] = {}
    for node in parse(script).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values.setdefault(node.targets[0].id, node.value)
    missing = [name for name in PARAMETERS if name not in values]
    if script.read_text(encoding="utf-8").count('tags=["parameters"]') != 1 or missing:
        raise DriverError(
            f'{script} must have exactly one cell marked # %% tags=["parameters"] that assigns '
            f"{', '.join(PARAMETERS)}. Missing: {', '.join(missing) or 'the one tag'}."
        )
    try:
        settings = ast.literal_eval(values["settings"])
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise DriverError(f"settings in {script} must be a dict of plain values, no expressions.")
    return settings


def _backend(name: str, backend: str, committed: bool) -> str:
    chosen = backend if committed else os.environ.get("KERAS_BACKEND") or backend
    if chosen not in BACKENDS:
        origin = f"[{name}] in profiles.toml" if chosen == backend else "KERAS_BACKEND"
        raise DriverError(
            f"The backend must be one of {', '.join(BACKENDS)}. Received: {chosen} from {origin}. "
            "Unset KERAS_BACKEND or choose a supported one."
        )
    return chosen


def _setting(key: str, value: Any, defaults: dict, script: Path, where: str) -> None:
    _known("setting", key, defaults, where, f"{short(script)} knows")
    default = defaults[key]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (value, default))
    if default is not None and value is not None and not numbers:
        if type(value) is not type(default):
            raise DriverError(
                f"Setting {key} must be {type(default).__name__} like its default {default!r} in "
                f"{short(script)}. Received: {value!r} in {where}."
            )


def _seeds(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise DriverError(f"seeds must be a count, 0 or more. Received: {value!r} in {where}.")
    return value


def _known(what: str, name: str, known: Any, where: Any, lead: str = "Known:") -> None:
    if name not in known:
        raise DriverError(f"Unknown {what} {name!r} in {where}. {lead} {', '.join(sorted(known))}.")


def short(script: Path) -> str:
    """How a script is called in messages."""
    return f"{script.parent.name}/{script.name}"
