"""What layers on several devices would take: computed, not measured.

A layer of U units on a batch of B examples is three products of 2 B U^2 operations a step. Each
kernel takes at least its launch, and the time of its operations or of the memory that it moves,
whichever is longer. Backprop has its products one after another; in a pipeline, devices hold layers
in a row and work on micro-batches of the batch, which keeps all of them busy but for the first and
last ones. RAI's products of a device's layers are one batched kernel for each of the three, and
neighbours exchange three messages of one layer's values.
"""

import math
import tomllib
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("devices.toml")
BYTES = 4  # of a float32
MESSAGES = 3  # of a step: values, their gradient, and the deployed pass where it is measured


class Way(NamedTuple):
    """A way to train, and what a step of it takes.

    Attributes:
        kernels: In a row, over all devices.
        seconds: Of a step, updates left out.
        exchanged: Bytes between two neighbours.
    """

    label: str
    devices: int
    kernels: float
    seconds: float
    exchanged: float


def read() -> dict:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def ways(assumed: dict, size: int) -> list[Way]:
    """Backprop and RAI, on one device and on all of them."""
    layers, devices, micro = (assumed[key] for key in ("layers", "devices", "micro_batches"))
    own = math.ceil(layers / devices)
    values = BYTES * size * size
    alone = 3 * layers * kernel(assumed, 1, size, size)
    part = 3 * own * kernel(assumed, 1, math.ceil(size / micro), size)
    hops = 2 * message(assumed, values / micro)
    staged = (micro + devices - 1) * (part + hops)
    return [
        Way("backprop", 1, 3 * layers, alone, 0.0),
        Way("backprop, pipeline", devices, 3 * own * (micro + devices - 1), staged, 2 * values),
        Way("RAI, fused", 1, 3, 3 * kernel(assumed, layers, size, size), 0.0),
        Way(
            "RAI, layers spread",
            devices,
            3,
            3 * kernel(assumed, own, size, size) + MESSAGES * message(assumed, values),
            MESSAGES * values,
        ),
    ]


def kernel(assumed: dict, count: int, batch: int, units: int) -> float:
    """Seconds of a batch of `count` products of a batch's values with a kernel."""
    operations = 2 * count * batch * units**2
    moved = BYTES * count * (2 * batch * units + units**2)
    return max(
        assumed["launch_seconds"],
        operations / assumed["operations_per_second"],
        moved / assumed["bytes_per_second"],
    )


def message(assumed: dict, size: float) -> float:
    """Seconds of a message between neighbours."""
    return assumed["link_seconds"] + size / assumed["link_bytes_per_second"]
