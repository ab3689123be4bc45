"""Times one training step on a GPU with JAX: fused RAI against Keras' own backprop, by depth.

`make bench-gpu` runs it. It needs a JAX that sees a CUDA device, Keras, NumPy and raikeras, and no
TensorFlow. Each depth has a process of its own. Backprop's step is compiled layer by layer: where
that takes longer than `--patience` seconds, the table says so and RAI is timed alone.
"""

import argparse
import os
import subprocess
import sys

from step_time import environment, measure, row, show, summary

TALLEST = 1000  # beyond this depth backprop is not tried
ROWS_BYTES = 4 * 2**30  # rows and Rprop's two slots of an epoch shall fit in this


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depths", type=int, nargs="+", default=[100, 1000, 10000])
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--examples", type=int, default=128, help="of a batch")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--patience", type=int, default=900, help="seconds for backprop")
    parser.add_argument("--platform", default="cuda", help="cpu: to try the command without a GPU")
    parser.add_argument("--depth", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--methods", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.depth:
        measure_here(arguments)
        return
    os.environ.update(environment("jax"))
    print(device(arguments.platform), flush=True)
    os.environ["JAX_PLATFORMS"] = arguments.platform
    for depth in arguments.depths:
        methods = ["backprop", "fused"] if depth <= TALLEST else ["fused"]
        if depth > TALLEST:
            print(f"\ndepth {depth}: backprop is not tried beyond {TALLEST} layers")
        try:
            in_child(depth, methods, arguments.patience if "backprop" in methods else None)
        except subprocess.TimeoutExpired:
            print(f"depth {depth}: not done in {arguments.patience} s; now without backprop")
            in_child(depth, ["fused"], None)


def device(platform: str) -> str:
    """The device's name and the versions; ends with one line if there is no such device."""
    code = (
        "import sys, keras, jax\n"
        "try:\n    found = jax.devices(sys.argv[1])\n"
        "except RuntimeError as error:\n    sys.exit(' '.join(str(error).split()))\n"
        "print(found[0].device_kind, len(found), 'device(s), JAX', jax.__version__, "
        "'Keras', keras.__version__)"
    )
    command = [sys.executable, "-c", code, platform]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        sys.exit(
            f"error: JAX must see a {platform} device, and Keras must be installed. Received: "
            f"{reason}. On a machine with a GPU: pip install 'jax[cuda12]' keras"
        )
    return done.stdout.strip()


def in_child(depth: int, methods: list[str], patience: int | None) -> None:
    """Measures in a fresh process; its errors are printed as they are."""
    chosen = ["--depth", str(depth), "--methods", *methods]
    command = [sys.executable, __file__, *sys.argv[1:], *chosen]
    done = subprocess.run(command, timeout=patience, check=False)
    if done.returncode:
        sys.exit(f"error: depth {depth} did not finish (status {done.returncode}); see above")


def measure_here(arguments) -> None:
    """Prints the table of one depth."""
    from worker import Clock

    target_numbers = arguments.depth * arguments.units + 1  # of one example
    row_bytes = 3 * 4 * target_numbers  # single precision; Rprop has two slots
    batches = max(1, min(20, ROWS_BYTES // (row_bytes * arguments.examples)))
    sizes = {"depth": arguments.depth, "units": arguments.units, "batch": arguments.examples}
    print(
        f"\ndepth {arguments.depth}, {arguments.units} units, batches of {arguments.examples}, "
        f"{batches} an epoch, {arguments.rounds} rounds"
    )
    rows = [row(method, name) for name in ("rprop", "sgd") for method in arguments.methods]
    rows.append(row("floor", "rprop"))
    found = measure(rows, [Clock()], {**sizes, "batches": batches}, arguments.rounds)
    show(summary(rows, found, batches), {})


if __name__ == "__main__":
    main()
