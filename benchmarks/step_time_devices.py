"""Times one training step with its layers spread over virtual devices: what spreading costs.

`make bench-devices` runs it, on JAX. Virtual devices share this machine's cores, so nothing can be
gained here: the ratio to one device is the price of exchanging values and of work that each device
does for itself. All take turns.
"""

import argparse
import os

import numpy as np
from step_time import ROOT, Library, measure, row

FLAG = "--xla_force_host_platform_device_count"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--depth", type=int, default=97, help="a first layer and the chain")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    sizes = {"depth": arguments.depth, "units": 100, "batch": 100, "batches": 20}
    rows = [row("fused", "rprop"), row("fused", "sgd"), row("fused", "rprop", deployed_every=None)]
    given, libraries = os.environ.get("XLA_FLAGS", ""), []
    for count in arguments.devices:
        os.environ["XLA_FLAGS"] = f"{FLAG}={count} {given}"
        libraries.append(Library(ROOT, "jax"))
    found = measure(rows, libraries, sizes, arguments.rounds)
    for library in libraries:
        library.close()
    print("ms a step, and the ratio to the first; medians over rounds")
    print(f"{'devices':36}" + "".join(f"{count:>16}" for count in arguments.devices))
    for name, one in found.items():
        times = 1e3 * np.array(one["times"]) / sizes["batches"]
        ratios = np.median(times / times[0], axis=1)
        cells = zip(np.median(times, axis=1), ratios, strict=True)
        print(f"{name:36}" + "".join(f"{ms:9.2f} {ratio:6.2f}" for ms, ratio in cells))


if __name__ == "__main__":
    main()
