"""Times one training step: RAI against Keras' own backprop on the same net, and the floor.

`make bench` runs it on all backends, on torch where `make test-torch` has made an environment for
it. All rows take turns, several rounds over, so that a busy
machine slows them alike: the ratios are what to read. A ratio is to backprop with the same
optimizer and compile mode. The floor is the three batched products of a step alone.

What was measured is appended to build/bench.jsonl; the next run on the same machine prints the
change of every ratio since and marks what became slower. `make bench BASE=<commit>` lets that
commit's library take turns with this one's instead, which tells even a few percent.
`--only fused --depth 1000` times the rows whose name contains the words; the last column then says
how long the first steps of a deep chain take.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(ROOT / folder) for folder in ("", "benchmarks")]
from benchmarks import past  # noqa: E402
from experiments.driver.kernel import ALLOCATOR  # noqa: E402

# Each backend's Python: PyTorch has an environment of its own.
BACKENDS = dict.fromkeys(("tensorflow", "jax"), sys.executable)
BACKENDS["torch"] = str(ROOT / "build" / "torch" / "bin" / "python")
SLOWER = 1.05  # what is marked


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
    name += f", Inferred({settings['inferred']})" if "inferred" in settings else ""
    name += ", multipliers" if "multipliers" in settings else ""
    return Row(name + (", XLA" if "jit_compile" in settings else ""), method, optimizer, settings)


def table(backend: str) -> list[Row]:
    """All rows of a backend. JAX always uses XLA; on TensorFlow it is a choice (`jit_compile`)."""
    deployed = {"deployed_every": None}  # raikeras' default; all other rows measure never
    rows = [row(method, "rprop") for method in ("backprop", "fused", "layerwise")]
    rows += [row("fused", "rprop", **deployed)]
    rows += [row(method, "sgd") for method in ("backprop", "fused", "layerwise")]
    rows += [row("fused", "sgd", **deployed)]
    rows += [row("fused", "sgd", multipliers=True)]
    rows += [row(method, "sgd", inferred=10) for method in ("fused", "layerwise")]
    rows += [row("fused", "sgd", inferred=10, multipliers=True)]
    rows += [row("backprop", "adam"), row("fused", "adam"), row("floor", "rprop")]
    if backend == "tensorflow":
        rows += [row(m, "rprop", jit_compile=True) for m in ("backprop", "fused", "floor")]
    return rows


def environment(backend: str) -> dict[str, str]:
    """What a measuring process inherits: the same allocator settings for all rows."""
    return {**os.environ, **ALLOCATOR, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}


class Library:
    """A checkout's library, timed in a process of its own."""

    def __init__(
        self, folder: Path, backend: str, worker: str = "worker.py", python: str = sys.executable
    ):
        self._process = subprocess.Popen(
            [python, ROOT / "benchmarks" / worker],
            env=environment(backend) | {"PYTHONPATH": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.backend = backend

    def ask(self, **request) -> Any:
        """What the process answers, mostly seconds."""
        given, taken = self._process.stdin, self._process.stdout
        assert given and taken  # noqa: S101  # pipes, as asked for above
        given.write(json.dumps(request) + "\n")
        given.flush()
        answer = taken.readline()
        if not answer:
            status = self._process.wait()
            sys.exit(f"error: the benchmark on {self.backend} ended with {status}; see above")
        return json.loads(answer)

    def close(self) -> None:
        self._process.communicate()


def checkout(commit: str) -> Path:
    """A commit's files, under build/."""
    git = ["git", "-C", str(ROOT)]
    found = subprocess.run([*git, "rev-parse", "--verify", f"{commit}^{{commit}}"],
                           capture_output=True, text=True, check=False)  # fmt: skip
    if found.returncode:
        sys.exit(f"error: BASE must be a commit of this repository. Received: {commit}")
    folder = ROOT / "build" / "bench" / found.stdout.strip()
    if not folder.exists():
        packed = subprocess.run([*git, "archive", found.stdout.strip(), "raikeras"],
                                capture_output=True, check=True).stdout  # fmt: skip
        part = folder.with_name("part-" + folder.name)
        tarfile.open(fileobj=io.BytesIO(packed)).extractall(part, filter="data")
        part.rename(folder)
    return folder


def measure(rows: list[Row], libraries: list, sizes: dict, rounds: int) -> dict[str, dict]:
    """Name -> seconds of the first epochs, and of each round's for each of the libraries."""
    found: dict[str, dict] = {}
    for each in rows:
        made = {**sizes, **each._asdict()}
        firsts = [library.ask(make=made) for library in libraries]
        found[each.name] = {"first": firsts[0], "times": [[] for _ in libraries]}
    for number in range(rounds):
        for each in rows:
            # The second of two finds warm caches: so they change places.
            order = list(enumerate(libraries))[:: -1 if number % 2 else 1]
            for place, library in order:
                found[each.name]["times"][place].append(library.ask(run=each.name))
    return found


def summary(rows: list[Row], found: dict, batches: int) -> dict[str, dict]:
    """Name -> what is printed and remembered of each row."""
    times = {name: np.array(one["times"][0]) for name, one in found.items()}
    rest = {}
    for each in rows:
        own, (_, *of_base) = times[each.name], found[each.name]["times"]
        backprop = next((times[one.name] for one in rows if one.is_base_of(each)), None)
        steps = 1e3 * own / batches
        rest[each.name] = {
            "ratio": None if backprop is None else float(np.median(own / backprop)),
            "ms": float(np.median(steps)),
            "least": float(np.min(steps)),
            "most": float(np.max(steps)),
            "compile": max(0.0, found[each.name]["first"] - 2 * float(np.median(own))),
            "change": float(np.median(own / np.array(of_base[0]))) if of_base else None,
        }
    return rest


def show(result: dict[str, dict], before: dict[str, dict]) -> None:
    """Prints the table; the change is to the base or, without one, to the ratios before."""
    print(f"{'':36}{'ratio':>7}{'ms a step':>11}{'least':>8}{'most':>8}{'compile, s':>12}  change")
    for name, one in result.items():
        change, old = one["change"], before.get(name, {}).get("ratio")
        if change is None and old and one["ratio"]:
            change = one["ratio"] / old
        words = "" if change is None else f"{change:.2f}"
        words += "  SLOWER" if change is not None and change > SLOWER else ""
        ratio = "-" if one["ratio"] is None else f"{one['ratio']:.2f}"
        print(
            f"{name:36}{ratio:>7}{one['ms']:11.2f}{one['least']:8.2f}{one['most']:8.2f}"
            f"{one['compile']:12.1f}  {words}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=BACKENDS, help="default: all, one after another")
    parser.add_argument("--base", default="", help="a commit whose library takes turns with this")
    parser.add_argument("--depth", type=int, default=100, help="hidden layers")
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--examples", type=int, default=100, help="of a batch")
    parser.add_argument("--batches", type=int, default=20, help="of an epoch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="rows whose name contains these words")
    arguments = parser.parse_args()
    base = checkout(arguments.base) if arguments.base else None
    sizes = {"depth": arguments.depth, "units": arguments.units, "batch": arguments.examples}
    sizes["batches"] = arguments.batches
    missing = [name for name, python in BACKENDS.items() if not Path(python).exists()]
    if arguments.backend in missing:
        sys.exit("error: build/torch must hold PyTorch. Make it: make build/torch/ready")
    known = [name for name in BACKENDS if name not in missing]
    for backend in [arguments.backend] if arguments.backend else known:
        rows = [each for each in table(backend) if arguments.only in each.name]
        if not rows:
            parser.error(f"--only must be part of a row's name. Received: {arguments.only}")
        print(
            f"\n{backend}: depth {arguments.depth}, {arguments.units} units, batches of "
            f"{arguments.examples}, {arguments.batches} an epoch, {arguments.rounds} rounds, "
            f"{past.machine()}"
        )
        libraries = [
            Library(folder, backend, python=BACKENDS[backend]) for folder in (ROOT, base) if folder
        ]
        found = measure(rows, libraries, sizes, arguments.rounds)
        for library in libraries:
            library.close()
        result = summary(rows, found, arguments.batches)
        kind = {"machine": past.machine(), "backend": backend, **sizes}
        show(result, {} if base else past.last(kind))
        past.append(kind, result)
    against = f"this time by {arguments.base}'s in the same round" if base else (
        "the ratio by that of the last run on this machine at the same sizes"
    )  # fmt: skip
    for name in missing:
        print(f"{name} was left out, for its environment is not there: make build/{name}/ready")
    print(
        "ratio: to backprop with the same optimizer and compile mode, median over rounds; "
        f"compile: the first two epochs less two median ones; change: {against}"
    )


if __name__ == "__main__":
    main()
