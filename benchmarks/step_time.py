"""Times one training step: RAI against Keras' own backprop on the same net, and the floor.

`make bench` runs it on both backends, each in a process of its own. All rows take turns, several
rounds over, so that a busy machine slows them alike: the ratios are what to read. A ratio is to
backprop with the same optimizer and compile mode. The floor is the three batched products of a step
alone. `--only fused --depth 1000` times the rows whose name contains the words; the last column
then says how long the first steps of a deep chain take.
"""

import argparse
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(ROOT), str(ROOT / "experiments")]
from driver.kernel import ALLOCATOR  # noqa: E402

BACKENDS = ("tensorflow", "jax")
EPOCHS = 5  # of each fit that is timed


class Row(NamedTuple):
    """One contender of the table; `method` `"floor"` means the products alone."""

    name: str
    method: str
    optimizer: str
    settings: dict[str, Any]  # beyond the net's size

    def is_base_of(self, other: "Row") -> bool:
        """Whether this is the backprop that the other row is held against."""
        same = [row.settings.get("jit_compile") for row in (self, other)]
        return self.method == "backprop" and self.optimizer == other.optimizer and len({*same}) == 1


NAMES = {"backprop": "backprop", "fused": "RAI fused", "layerwise": "RAI layer by layer"}


def row(method: str, optimizer: str, **settings) -> Row:
    """A row with the name it is printed under."""
    name = f"{NAMES.get(method, 'the three products')}"
    name += "" if method == "floor" else f", {optimizer}"
    name += ", deployed metrics" if "deployed_every" in settings else ""
    return Row(name + (", XLA" if "jit_compile" in settings else ""), method, optimizer, settings)


def table(backend: str) -> list[Row]:
    """All rows of a backend. JAX always uses XLA; on TensorFlow it is a choice (`jit_compile`)."""
    deployed = {"deployed_every": None}  # raikeras' default; all other rows measure never
    rows = [row(method, "rprop") for method in ("backprop", "fused", "layerwise")]
    rows += [row("fused", "rprop", **deployed)]
    rows += [row(method, "sgd") for method in ("backprop", "fused", "layerwise")]
    rows += [row("fused", "sgd", **deployed), row("backprop", "adam"), row("fused", "adam")]
    rows += [row("floor", "rprop")]
    if backend == "tensorflow":
        rows += [row(m, "rprop", jit_compile=True) for m in ("backprop", "fused", "floor")]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=BACKENDS, help="default: both, one after another")
    parser.add_argument("--depth", type=int, default=100, help="hidden layers")
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--examples", type=int, default=100, help="of a batch")
    parser.add_argument("--batches", type=int, default=20, help="of an epoch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="rows whose name contains these words")
    arguments = parser.parse_args()
    for backend in [arguments.backend] if arguments.backend else BACKENDS:
        if not ready(backend):
            command = [sys.executable, __file__, *sys.argv[1:], "--backend", backend]
            status = subprocess.run(command, env=environment(backend), check=False).returncode
            if status:
                sys.exit(f"error: the benchmark on {backend} ended with status {status}; see above")
            continue
        import keras

        rows = [each for each in table(backend) if arguments.only in each.name]
        if not rows:
            parser.error(f"--only must be part of a row's name. Received: {arguments.only}")
        sizes = {"depth": arguments.depth, "units": arguments.units, "batch": arguments.examples}
        print(
            f"\n{keras.backend.backend()}: depth {arguments.depth}, {arguments.units} units, "
            f"batches of {arguments.examples}, {arguments.batches} an epoch, {arguments.rounds} "
            f"rounds, {os.cpu_count()} cores"
        )
        show(rows, sizes, arguments.batches, arguments.rounds)


def environment(backend: str) -> dict[str, str]:
    """What a measuring process inherits: the same allocator settings for all rows."""
    return {**os.environ, **ALLOCATOR, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}


def ready(backend: str) -> bool:
    """Whether this process has that environment; the allocator reads it once, at the start."""
    return all(os.environ.get(name) == value for name, value in environment(backend).items())


def show(rows: list[Row], sizes: dict[str, int], batches: int, rounds: int) -> None:
    """Times the rows in turn and prints them."""
    import numpy as np

    from benchmarks import contenders

    runs, first = {}, {}
    for each in rows:
        if each.method == "floor":
            floor = contenders.floor(*sizes.values(), **each.settings)
            once = contenders.repeated(floor, batches)
        else:
            model = contenders.Contender(
                each.method, each.optimizer, batches=batches, **sizes, **each.settings
            )
            once = model.fit
        # Twice: some steps are compiled a second time, for the types that the first one returned.
        first[each.name] = contenders.seconds(once) + contenders.seconds(once)
        # Several epochs a fit, for what a fit costs once is shared by its steps.
        many = each.method == "floor"
        runs[each.name] = contenders.repeated(once, EPOCHS) if many else partial(once, EPOCHS)
    times = contenders.take_turns(runs, rounds)
    print(f"{'':36}{'ratio':>7}{'ms a step':>11}{'least':>8}{'most':>8}{'compile, s':>12}")
    for each in rows:
        values = times[each.name]
        base = next((times[other.name] for other in rows if other.is_base_of(each)), None)
        ratio = "-" if base is None else f"{contenders.ratio(values, base):.2f}"
        steps = 1e3 * values / (EPOCHS * batches)
        extra = max(0.0, first[each.name] - 2 * float(np.median(values)) / EPOCHS)
        print(
            f"{each.name:36}{ratio:>7}{np.median(steps):11.2f}{steps.min():8.2f}"
            f"{steps.max():8.2f}{extra:12.1f}",
            flush=True,
        )
    print(
        "ratio: to backprop with the same optimizer and compile mode, median over rounds; "
        "compile: the first two epochs less two median ones"
    )


if __name__ == "__main__":
    main()
