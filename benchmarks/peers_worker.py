"""One process that trains a package's nets on request; `peers.py` starts one for each package.

A JSON object a line on standard input, answered by one on standard output: `{"load": package}` by
its version, null if it cannot be imported, `{"make": row}` by the seconds of its first two epochs,
`{"run": name}` by the seconds of a timed epoch, `{"check": row}` by how far its weights' change by
one training step lies from the one computed in NumPy.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from time import perf_counter

import numpy as np
from peer_steps.problem import Problem, in_numpy

LONG = 1.0  # seconds that are timed at once, about, unless an epoch takes more
MOST = 20  # epochs that are timed at once


def seconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    start = perf_counter()
    run()
    return perf_counter() - start


class Worker:
    """The nets of a package."""

    def __init__(self):
        self._package = None
        self._runs: dict[str, tuple[Callable, int]] = {}

    def ask(self, kind: str, about) -> float | str | None:
        """The answer to a request."""
        return getattr(self, kind)(about)

    def load(self, package: str) -> str | None:
        try:
            self._package = importlib.import_module(f"peer_steps.of_{package}")
        except ImportError as error:
            print(error, file=sys.stderr)
            return None
        return self._package.VERSION

    def make(self, row: dict) -> float:
        net = self._package.Net(Problem(**row["problem"]), row["method"])
        # Twice: some steps are compiled a second time, for the types that the first returned.
        first = seconds(partial(net.run, 2))
        epochs = max(1, min(MOST, int(LONG / seconds(partial(net.run, 1)))))
        self._runs[row["name"]] = partial(net.run, epochs), epochs
        return first

    def run(self, name: str) -> float:
        timed, epochs = self._runs[name]
        return seconds(timed) / epochs

    def check(self, row: dict) -> float:
        """The largest distance, over the largest change of the same kernel or bias."""
        problem = Problem(**row["problem"])
        net = self._package.Net(problem, row["method"])
        before = [one for pair in problem.weights() for one in pair]
        net.run(1)
        method = "backprop" if row["method"] == "backprop" else "pc"
        wanted = in_numpy(problem, method, row["at"])
        rest = zip(net.weights(), before, wanted, strict=True)
        return max(float(np.abs(a - b - w).max() / np.abs(w).max()) for a, b, w in rest)


def main() -> None:
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
    worker = Worker()
    for line in sys.stdin:
        (request,) = json.loads(line).items()
        print(json.dumps(worker.ask(*request)), file=answers, flush=True)


if __name__ == "__main__":
    main()
