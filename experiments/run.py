"""Runs what is missing of the experiments and tells make and the report what there is.

    python -m experiments.run run --profile quick [EXPERIMENT ...]   make missing results
        [--jobs N]                                                   N chunks side by side
        [--engine dask --scheduler tcp://HOST:8786]                  by a cluster's workers
        [--part I/N]                                                 every N-th chunk alone
    python -m experiments.run status --profile full                  say what is current
    python -m experiments.run status --profile reference             the same of report/reference
    python -m experiments.run publish [EXPERIMENT ...]               copy full results to the report
    python -m experiments.run confirm [EXPERIMENT ...]               repeat a run of stale variants

A result is build/PROFILE/results/EXPERIMENT/VARIANT/seed-K.json. It is current while its content
key is: script, settings, backend, the locked versions of what computes and the code of all that
the script reaches (see driver/keys.py). Results that a profile no longer asks for are moved to
build/PROFILE/unused. A chunk is what one process makes of an experiment (see driver/chunks.py).
"""

import argparse
import os
import sys
from pathlib import Path

from experiments.driver import (
    checksums,
    chunks,
    cluster,
    kernel,
    local,
    locks,
    profiles,
    state,
    work,
)
from experiments.driver import confirm as confirmation
from experiments.driver.errors import DriverError
from experiments.driver.files import write_if_changed

REFERENCE = "reference"


def run(
    root: Path,
    profile: str,
    names: list[str],
    jobs: int | None = None,
    part: str = "",
    scheduler: str = "",
) -> None:
    """Makes the missing results of a profile.

    Args:
        root: The project's folder.
        profile: Its name.
        names: Experiments; none means all.
        jobs: How many chunks run side by side; `None`: see `local.jobs_of`.
        part: `"i/n"`: the i-th of n parts, which others complete. Empty: all.
        scheduler: Address of a Dask cluster that makes them. Empty: this machine.
    """
    experiments = profiles.load(root, profile, names)
    build = root / "build"
    here = build / profile
    wanted = [chunk for experiment in experiments for chunk in chunks.of(experiment)]
    wanted = chunks.part(wanted, part) if part else wanted
    everything = experiments if not names else profiles.load(root, profile, [])
    if not part:
        state.set_aside(here / "results", here / "unused", everything)
    left = [one for one in wanted if work.missing(here / "results", one.experiment, one.runs)]
    if left:
        kernel.stop_on_signals()
        with locks.driver(build, alone=not (part or scheduler)):
            if scheduler:
                cluster.complete_all(root, profile, left, scheduler)
            else:
                local.complete_all(root, profile, left, jobs or local.jobs_of(profile))
    for experiment in experiments:
        state.write_stamp(here / "results", here / "results", experiment)
    state.write_status(here / "results", here / "status.json", profile, everything)
    if part:
        _say(f"part {part} of profile {profile} is complete: {len(wanted)} chunks")


def complete(root: Path, profile: str, chunk: str, parent: int) -> None:
    """The part of `run` that makes a chunk, for a process above that waits for it and watches."""
    kernel.stop_on_signals(parent)
    work.complete(root, profile, cluster.find(root, profile, chunk))


def status(root: Path, profile: str) -> None:
    """Rewrites status.json and stamps of a profile, or of the reference, and prints a summary."""
    reference = profile == REFERENCE
    experiments = profiles.load(root, "full" if reference else profile, [], committed=reference)
    here = root / "build" / profile
    folder = root / "report" / REFERENCE if reference else here / "results"
    content = state.write_status(folder, here / "status.json", profile, experiments)
    for experiment in experiments:
        if reference:
            state.write_stamp(folder, here / "results", experiment)
        variants = content["experiments"][experiment.name]["variants"].values()
        words = (f"{sum(v[word] for v in variants)} {word}" for word in next(iter(variants)))
        _say(f"{profile}: {experiment.name}: {', '.join(words)}")


def publish(root: Path, names: list[str]) -> None:
    """Copies the current results of `full` to report/reference, to be committed."""
    full, reference = root / "build" / "full" / "results", root / "report" / REFERENCE
    for experiment in profiles.load(root, "full", names, committed=True):
        current = [one for one in experiment.runs if state.is_current(full, experiment, one)]
        for one in current:
            source = full / experiment.name / one.path
            target = reference / experiment.name / one.path
            write_if_changed(target, source.read_text(encoding="utf-8"))
        checksums.update(reference, experiment.name)
        count = f"{len(current)} of {len(experiment.runs)}"
        _say(f"{experiment.name}: {count} results in {os.path.relpath(reference, root)}")


def confirm(root: Path, names: list[str]) -> None:
    """Repeats a run of each stale variant of the reference; the same numbers make it current."""
    build, reference = root / "build", root / "report" / REFERENCE
    kernel.stop_on_signals()
    messages: list[str] = []
    for experiment in profiles.load(root, "full", names, committed=True):
        stale = confirmation.stale(reference, experiment)
        if not stale:
            _say(f"{experiment.name}: nothing is stale")
            continue
        with locks.driver(build):
            found = confirmation.made(root, reference, experiment, stale)
        differ = confirmation.differences(experiment.name, found)
        messages += differ.values()
        for variant in dict.fromkeys(one.run.variant for one in found):
            if variant not in differ:
                confirmation.rekey_variant(reference, experiment.name, variant, stale, found)
                _say(f"{experiment.name} {variant}: the same numbers, its results are current")
        checksums.update(reference, experiment.name)
    if messages:  # the others were confirmed nevertheless
        raise DriverError("\n".join(messages))


def _check_engine(engine: str, scheduler: str) -> None:
    if (engine == "dask") != bool(scheduler):
        raise DriverError(
            "ENGINE=dask and SCHEDULER=tcp://HOST:PORT belong together. "
            f"Received: ENGINE={engine}, SCHEDULER={scheduler or 'nothing'}."
        )


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    """Reads the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("run", "complete", "status", "publish", "confirm"))
    parser.add_argument("experiments", nargs="*", help="names in profiles.toml; none means all")
    parser.add_argument("--profile", default="quick", help="smoke, quick, full or reference")
    parser.add_argument("--jobs", type=int, help="chunks side by side; full: 1")
    parser.add_argument("--engine", choices=("local", "dask"), default="local")
    parser.add_argument("--scheduler", default="", help="of engine dask: its address")
    parser.add_argument("--part", default="", help="I/N: every N-th chunk, from the I-th")
    parser.add_argument("--chunk", help="of `complete`: the one to make")
    parser.add_argument("--parent", type=int, help="of `complete`: the process that waits for it")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    given = parser.parse_intermixed_args()
    root = given.root.resolve()
    try:
        if given.command == "run":
            _check_engine(given.engine, given.scheduler)
            run(root, given.profile, given.experiments, given.jobs, given.part, given.scheduler)
        elif given.command == "complete":
            complete(root, given.profile, given.chunk, given.parent)
        elif given.command == "status":
            status(root, given.profile)
        elif given.command == "publish":
            publish(root, given.experiments)
        else:
            confirm(root, given.experiments)
    except DriverError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        message = "Stopped. Finished results are kept: the same command goes on from here."
        print(message, file=sys.stderr, flush=True)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
