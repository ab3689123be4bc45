"""One process that trains contenders on request: of a backend, and of the raikeras on its path.

`step_time.py` starts it and asks in turn, a JSON object a line on standard input, answered by a
number of seconds on standard output: `{"make": row}` builds a row's contender and says how long
its first two epochs took, `{"run": name}` how long an epoch of a timed fit took. Where JAX shows
several devices, layers are spread over them.
"""

import json
import os
import sys
from collections.abc import Callable
from functools import partial

import contenders
import keras

import raikeras

EPOCHS = 5  # of a timed fit, at most
LONG = 2.0  # seconds of a timed fit, about, unless an epoch takes more


def contender(row: dict) -> Callable[[int], object]:
    """What trains a row for so many epochs."""
    sizes = {name: row[name] for name in ("depth", "units", "batch")}
    if row["method"] != "floor":
        rest = {"batches": row["batches"], **row["settings"]}
        return contenders.Contender(row["method"], row["optimizer"], **sizes, **rest).fit
    products = contenders.floor(**sizes, **row["settings"])
    return lambda epochs: contenders.repeated(products, epochs * row["batches"])()


class Clock:
    """Makes contenders and times them."""

    def __init__(self):
        self._runs: dict[str, tuple[Callable, int]] = {}

    def ask(self, make: dict | None = None, run: str | None = None) -> float:
        """The answer to a request, in seconds."""
        if make is None:
            timed, epochs = self._runs[run or ""]
            return contenders.seconds(timed) / epochs
        once = contender(make)
        # Twice: some steps are compiled a second time, for the types that the first returned.
        seconds = sum(contenders.seconds(partial(once, 1)) for _ in range(2))
        # Of several epochs, for what a fit costs once is shared by its steps.
        epochs = max(1, min(EPOCHS, int(LONG / contenders.seconds(partial(once, 1)))))
        self._runs[make["name"]] = partial(once, epochs), epochs
        return seconds


def main() -> None:
    answers, sys.stdout = os.fdopen(os.dup(1), "w"), sys.stderr
    if keras.backend.backend() == "jax" and len(keras.distribution.list_devices()) > 1:
        keras.distribution.set_distribution(raikeras.distribution.layer_parallel())
    clock = Clock()
    for line in sys.stdin:
        print(json.dumps(clock.ask(**json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
