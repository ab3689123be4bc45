"""Times one training step with inferred targets: raikeras against other predictive coding packages.

`make bench-peers` runs it and saves what it found as build/peers.json. The work is the same in
all of them, see peer_steps/problem.py, and `--check` shows it: the change of all weights by one
training step is held against NumPy. Each package has a process of its own; all rows take turns,
several rounds over, so that a busy machine slows them alike. A ratio is to raikeras with equal
layers fused.

ngc-learn and Deepity have their targets before the activation, the others behind it: raikeras has
a row for either. raikeras and Keras train through `fit`, from arrays in the host's memory; the
others by a loop over batches that are on the device already.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(ROOT / folder) for folder in ("", "benchmarks")]
from peer_steps.problem import Problem  # noqa: E402

from benchmarks import past  # noqa: E402
from benchmarks.step_time import Library  # noqa: E402

FILE = ROOT / "build" / "peers.json"
# It wants a JAX that no other package here can use.
PYTHONS = {"pcx": ROOT / "build/peers-pcx/bin/python"}
NEAR = 1e-3  # of a weight's change: float32 has it from the difference of two weights


class Row(NamedTuple):
    """A contender: what trains the chain, and where its targets stand."""

    name: str
    package: str
    method: str = "pc"
    at: str = "post_activation"


ROWS = [
    Row("raikeras, fused", "raikeras", "fused"),
    Row("raikeras, layer by layer", "raikeras", "layer by layer"),
    Row("raikeras, fused, pre-activation", "raikeras", "fused, pre-activation", "pre_activation"),
    Row("Keras, backprop", "raikeras", "backprop"),
    Row("FabricPC", "fabricpc"),
    Row("FabricPC, backprop", "fabricpc", "backprop"),
    Row("pcx", "pcx"),
    Row("ngc-learn", "ngclearn", at="pre_activation"),
    Row("Deepity", "deepity", at="pre_activation"),
]
# Left out, as they do other work: pyhgf has one sweep of closed-form updates and no steps of
# inference; in torch-pc, pcn-torch and pclib each layer predicts the one below it, down to the
# inputs, so that no chain leads from inputs to an output.
#
# By their code and documentation at the versions in requirements/peers*.txt. "targets kept": over
# epochs, for each example. "layers at once": equal layers are one product of stacked tensors.
COLUMNS = "nets", "layers", "Keras nets", "runs on", "targets kept", "layers at once"
CAN = {
    "raikeras": ("acyclic", "Keras'", "yes", "TensorFlow, JAX, PyTorch; GPU", "yes", "yes"),
    "fabricpc": ("any, cycles too", "dense, conv, attention", "no", "JAX; GPU", "no", "no"),
    "pcx": ("code", "dense, conv", "no", "JAX < 0.5; GPU", "no", "no"),
    "ngclearn": ("any, cycles too", "dense, conv, spiking", "no", "JAX; GPU", "no", "no"),
    "deepity": ("chains", "dense, conv", "no", "C++; CUDA if built", "class means", "unknown"),
}


def started(packages: list[str]) -> tuple[dict[str, Library], dict[str, str]]:
    """A process for each package that can be imported, and its version; says which cannot."""
    found, versions = {}, {}
    for package in packages:
        python = PYTHONS.get(package, sys.executable)
        if not Path(python).exists():
            print(f"{package} is left out: {python} is missing; `make bench-peers` makes it")
            continue
        library = Library(ROOT, "jax", "peers_worker.py", str(python))
        version = library.ask(load=package)
        if version is None:
            library.close()
            print(f"{package} is left out: it cannot be imported, see above")
        else:
            print(f"{package} {version}")
            found[package], versions[package] = library, version
    return found, versions


def measure(rows: list[Row], libraries: dict, problem: Problem, rounds: int) -> dict[str, dict]:
    """Name -> seconds of the first two epochs, and of an epoch in each round."""
    found = {}
    for row in rows:
        made = {**row._asdict(), "problem": problem._asdict()}
        found[row.name] = {"first": libraries[row.package].ask(make=made), "times": []}
    for number in range(rounds):
        # Who comes after whom may matter: so every other round goes backwards.
        for row in rows[:: -1 if number % 2 else 1]:
            found[row.name]["times"].append(libraries[row.package].ask(run=row.name))
    return found


def summary(found: dict[str, dict], batches: int) -> dict[str, dict]:
    """Name -> ratio to the first row (median, least, most), milliseconds a step, compilation."""
    times = {name: np.array(one["times"]) for name, one in found.items()}
    base = next(iter(times.values()))
    return {
        name: {
            "ratio": [float(pick(own / base)) for pick in (np.median, np.min, np.max)],
            "ms": 1e3 * float(np.median(own)) / batches,
            "compile": max(0.0, found[name]["first"] - 2 * float(np.median(own))),
        }
        for name, own in times.items()
    }


def show(found: dict[str, dict]) -> None:
    """Prints the table of a depth."""
    print(f"{'':36}{'ratio':>7}{'least':>8}{'most':>8}{'ms a step':>11}{'compile, s':>12}")
    for name, one in found.items():
        ratio, least, most = one["ratio"]
        print(
            f"{name:36}{ratio:7.2f}{least:8.2f}{most:8.2f}{one['ms']:11.2f}{one['compile']:12.1f}",
            flush=True,
        )


def save(found: dict) -> None:
    """Writes build/peers.json, whole or not at all."""
    part = FILE.with_name("part-" + FILE.name)
    part.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    os.replace(part, FILE)
    print(f"{FILE} is written; `make publish-peers` puts it into docs/ and the report")


def check(rows: list[Row], libraries: dict) -> bool:
    """Whether all rows change their weights as NumPy says; prints how far they are from it."""
    # Few layers and a large rate: then every weight's change is well above rounding.
    problem = Problem(depth=4, units=7, batch=5, batches=1, weight_rate=0.5)._asdict()
    far = {row.name: libraries[row.package].ask(check={**row._asdict(), "problem": problem})
           for row in rows}  # fmt: skip
    for name, distance in far.items():
        print(f"{name:36}{distance:.1e}  {'as NumPy' if distance < NEAR else 'DIFFERS'}")
    return all(distance < NEAR for distance in far.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, nargs="+", default=[10, 100], help="hidden layers")
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--examples", type=int, default=100, help="of a batch")
    parser.add_argument("--batches", type=int, default=20, help="of an epoch")
    parser.add_argument("--steps", type=int, default=10, help="of inference")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--check", action="store_true", help="compare with NumPy and time nothing")
    arguments = parser.parse_args()
    libraries, versions = started(list(CAN))
    rows = [row for row in ROWS if row.package in libraries]
    if not check(rows, libraries):
        sys.exit("error: a row above does not change its weights as NumPy says; nothing is timed")
    if arguments.check:
        return
    source = {"when": past.now(), "commit": past.commit(), "machine": past.machine()}
    by_depth = {}
    for depth in arguments.depth:
        sizes = depth, arguments.units, arguments.examples, arguments.batches
        problem = Problem(*sizes, steps=arguments.steps)
        print(
            f"\ndepth {depth}, {arguments.units} units, batches of {arguments.examples}, "
            f"{arguments.steps} steps of inference, {arguments.rounds} rounds, {past.machine()}"
        )
        found = measure(rows, libraries, problem, arguments.rounds)
        by_depth[depth] = summary(found, arguments.batches)
        show(by_depth[depth])
    for library in libraries.values():
        library.close()
    print("ratio: to the first row, median over rounds; compile: the first two epochs less two\n")
    table = [("", *COLUMNS), *((name, *CAN[name]) for name in libraries)]
    widths = [max(map(len, column)) + 2 for column in zip(*table, strict=True)]
    for line in table:
        print("".join(map(str.ljust, line, widths)).rstrip())
    settings = {key: getattr(arguments, key) for key in ("units", "examples", "steps", "rounds")}
    can = {package: CAN[package] for package in libraries}
    kinds = {"versions": versions, "columns": COLUMNS, "can": can}
    if len(libraries) < len(CAN):
        print("Nothing is saved, for packages are left out")
        return
    save({**source, **settings, **kinds, "rows": by_depth})


if __name__ == "__main__":
    main()
