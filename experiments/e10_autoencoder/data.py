"""Small images, and the loss that no autoencoder can be below."""

import numpy as np
from scipy.special import entr

from experiments.common import minibatch

SIDE = 28  # of images that are halved


def images(settings) -> tuple[np.ndarray, np.ndarray]:
    """Training and test images as rows of pixels in [0, 1]; 28 x 28 ones as means of 2 x 2."""
    train, _, test, _ = minibatch.images({**settings, "held_out": 0})
    return _halved(train), _halved(test[: settings["test_examples"]])


def _halved(rows: np.ndarray) -> np.ndarray:
    if rows.shape[1] != SIDE**2:
        return rows
    blocks = rows.reshape(len(rows), SIDE // 2, 2, SIDE // 2, 2)
    return blocks.mean((2, 4)).reshape(len(rows), -1)


def floor(rows: np.ndarray) -> float:
    """Nats per image of the best reconstruction: grey pixels have an entropy of their own."""
    rows = rows.astype("float64")
    return float((entr(rows) + entr(1 - rows)).sum(axis=1).mean())


def nats(weights, rows: np.ndarray) -> float:
    """Cross-entropy per image, summed over pixels, of an autoencoder with these weights.

    From logits: from probabilities it would have to be clipped.

    Args:
        weights: Kernels and biases in turn, as `net.get_weights()` gives them. All layers but the
            middle one, the code, and the last one are tanh layers.
        rows: Images as rows of pixels.
    """
    kernels, biases = weights[::2], weights[1::2]
    code, values = len(kernels) // 2 - 1, rows
    for layer, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        values = values @ kernel + bias
        if layer not in (code, len(kernels) - 1):
            values = np.tanh(values)
    return float((np.logaddexp(0, values) - rows * values).sum(axis=1, dtype="float64").mean())
