"""Two tasks on which lower layers have to be trained, and their parts.

`bottleneck`: digits through layers of few units. What the untrained first layer drops of an image
no later layer can bring back. `spirals`: two spirals, whose classes a narrow layer tears apart
little by little.
"""

import numpy as np
from sklearn.datasets import load_digits

from experiments.common.tabular import Parts

CLASSES = {"bottleneck": 10, "spirals": 2}


def parts(settings, seed: int) -> Parts:
    """Training, held-out and test examples of a run, drawn by its seed."""
    sizes = [settings[f"{part}_examples"] for part in ("train", "held_out", "test")]
    draw = {"bottleneck": digits, "spirals": lambda *args: spirals(*args, settings["turns"])}  # type: ignore[call-arg]
    if settings["task"] not in draw:
        raise ValueError(
            f"`task` must be one of {', '.join(draw)}. Received: task={settings['task']!r}"
        )
    x, y = draw[settings["task"]](sum(sizes), seed)
    first, second = np.cumsum(sizes)[:2]
    cuts = slice(first), slice(first, second), slice(second, None)
    return Parts(*(one[cut] for cut in cuts for one in (x, y)), 1.0)  # type: ignore[call-arg, arg-type]


def digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """So many of the 1,797 images of handwritten digits, in an order of the seed's.

    Returns:
        Float32 array `(count, 64)`, pixels of mean 0, and int32 array `(count,)` of labels.
    """
    x, y = load_digits(return_X_y=True)
    chosen = np.random.default_rng(seed).permutation(len(x))[:count]
    x = (x - x.mean(axis=0)) / 8
    return x[chosen].astype("float32"), y[chosen].astype("int32")


def spirals(count: int, seed: int, turns: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of two spirals within a disc of radius 2, and which spiral each is of.

    Args:
        count: Integer, number of points.
        seed: Integer.
        turns: How often each spiral goes round.

    Returns:
        Float32 array `(count, 2)` and int32 array `(count,)`. Points lie as densely along a spiral
        everywhere, with its innermost part left out.
    """
    rng = np.random.default_rng(seed)
    radius = 2 * np.sqrt(rng.uniform(0.05, 1, count))
    labels = rng.integers(0, 2, count)
    angle = np.pi * turns * radius + np.pi * labels
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points.astype("float32"), labels.astype("int32")
