"""Chunks: the runs of an experiment that one process makes, and how they are dealt out.

A chunk holds whole variants, for some scripts train all runs of a variant at once. Which runs are
in which chunk depends on the profile alone, not on what is missing, so that every machine names the
same ones.
"""

import re
from dataclasses import dataclass

from experiments.driver.errors import DriverError
from experiments.driver.profiles import Experiment, Run

FULL = 20  # runs, at which a chunk takes no further variant


@dataclass(frozen=True)
class Chunk:
    """Runs of one experiment with one backend.

    Attributes:
        name: Of its log, notebook and lock.
        runs: In the order in which they are made.
    """

    name: str
    experiment: Experiment
    backend: str
    runs: list[Run]

    @property
    def variants(self) -> list[str]:
        """Those it holds, which no other chunk of the experiment does."""
        return list(dict.fromkeys(run.variant for run in self.runs))


def of(experiment: Experiment) -> list[Chunk]:
    """The chunks of an experiment; the first one of its own backend has the experiment's name."""
    found = []
    for backend in dict.fromkeys(run.backend for run in experiment.runs):
        own = [run for run in experiment.runs if run.backend == backend]
        base = experiment.name + ("" if backend == experiment.backend else f"-{backend}")
        for number, variants in enumerate(_groups(own), 1):
            runs = [run for run in own if run.variant in variants]
            name = base if number == 1 else f"{base}-{number}"
            found.append(Chunk(name, experiment, backend, runs))
    return found


def _groups(runs: list[Run]) -> list[list[str]]:
    """Variants in a row until there are enough runs."""
    groups: list[list[str]] = [[]]
    count = 0
    for variant in dict.fromkeys(run.variant for run in runs):
        if count >= FULL:
            groups.append([])
            count = 0
        groups[-1].append(variant)
        count += sum(run.variant == variant for run in runs)
    return groups


def part(chunks: list[Chunk], wanted: str) -> list[Chunk]:
    """Every n-th chunk, beginning with the i-th.

    Args:
        chunks: All of them.
        wanted: `"i/n"`, with i from 1 to n.

    Raises:
        DriverError: it says something else.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", wanted)
    number, count = (int(one) for one in found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise DriverError(
            "PART must be i/n, the i-th of n parts, with i from 1 to n. Received: "
            f"{wanted}. An array that counts from 0 adds 1."
        )
    return chunks[number - 1 :: count]
