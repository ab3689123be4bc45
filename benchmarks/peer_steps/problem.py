"""The work that all packages are timed with, and the same step in NumPy to check them against.

A chain of `depth` tanh layers and a linear output of one unit, `units` wide, as its inputs are, so
that all hidden layers are equal. Its energy is half the squared mismatch, summed over units, of
every hidden layer's target and of the output. From the forward pass the targets of the hidden
layers take `steps` gradient steps, all layers at once; then the weights take one at the gradient
averaged over the batch. Any package here can express that.
"""

from typing import NamedTuple

import numpy as np


class Problem(NamedTuple):
    """Sizes and rates.

    Attributes:
        depth: Hidden layers.
        units: Of each, and inputs.
        batch: Examples of a batch.
        batches: Of an epoch.
        steps: Steps of inference in a training step.
        target_rate: Of a step of inference.
        weight_rate: Of plain gradient descent on the weights.
    """

    depth: int
    units: int
    batch: int
    batches: int
    steps: int = 10
    target_rate: float = 0.1
    weight_rate: float = 0.01

    @property
    def sizes(self) -> list[int]:
        """Units of the inputs, of every hidden layer and of the output."""
        return [self.units] * (self.depth + 1) + [1]

    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Each layer's kernel `(inputs, units)` and bias `(units,)`, the same in every call."""
        rng = np.random.default_rng(0)
        pairs = []
        for before, after in zip(self.sizes, self.sizes[1:], strict=False):
            kernel = rng.normal(0, np.sqrt(2 / (before + after)), (before, after))
            pairs.append((kernel.astype("float32"), rng.normal(0, 0.1, after).astype("float32")))
        return pairs

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs `(batch * batches, units)` and what is to be learned, `(batch * batches, 1)`."""
        x = np.random.default_rng(1).normal(size=(self.batch * self.batches, self.units))
        x = x.astype("float32")
        return x, np.sin(x.sum(axis=1, keepdims=True))

    def slices(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The data batch by batch, in order."""
        x, y = self.data()
        size = self.batch
        return [(x[at : at + size], y[at : at + size]) for at in range(0, len(x), size)]


def in_numpy(problem: Problem, method: str, at: str) -> list[np.ndarray]:
    """The change of all weights by one training step, in double precision, by hand-made gradients.

    Args:
        problem: Its first batch is trained on.
        method: `"pc"` or `"backprop"`.
        at: Where the targets stand: `"post_activation"`, z = tanh(W h + b) with h the z below, or
            `"pre_activation"`, z = W h + b with h the tanh of the z below.

    Returns:
        The change of each layer's kernel and bias, in turn.
    """
    x, y = (one.astype("float64") for one in problem.slices()[0])
    pairs = [tuple(one.astype("float64") for one in pair) for pair in problem.weights()]
    after = at == "post_activation"
    fed = [x]  # what each layer is fed by
    for kernel, bias in pairs[:-1]:
        fed.append(np.tanh(fed[-1] @ kernel + bias))
    if method == "backprop":
        return _descent(problem, fed, _of_backprop(pairs, fed, y))
    targets = fed[1:] if after else [np.arctanh(h) for h in fed[1:]]
    for _ in range(problem.steps):
        errors, slopes = _of_energy(pairs, [x, *targets], y, after)
        # By its own mismatch each target is pulled to the layer's output, by the next layer's
        # it is pulled to what would make that smaller.
        own = [-error for error in errors[:-1]]
        pulled = [
            slope @ kernel.T for slope, (kernel, _) in zip(slopes[1:], pairs[1:], strict=True)
        ]
        if not after:
            pulled = [p * (1 - np.tanh(z) ** 2) for p, z in zip(pulled, targets, strict=True)]
        moves = zip(targets, own, pulled, strict=True)
        targets = [z + problem.target_rate * (o + p) for z, o, p in moves]
    _, slopes = _of_energy(pairs, [x, *targets], y, after)
    return _descent(problem, [x, *(targets if after else map(np.tanh, targets))], slopes)


def _of_energy(pairs, values, y, after):
    """Mismatches target less output, and minus the energy's gradient by W h + b, of each layer."""
    fed = [values[0], *(values[1:] if after else map(np.tanh, values[1:]))]
    sums = [h @ kernel + bias for h, (kernel, bias) in zip(fed, pairs, strict=True)]
    outputs = [*(map(np.tanh, sums[:-1]) if after else sums[:-1]), sums[-1]]
    errors = [z - output for z, output in zip([*values[1:], y], outputs, strict=True)]
    if not after:
        return errors, errors
    hidden = zip(errors[:-1], outputs[:-1], strict=True)
    return errors, [*(error * (1 - output**2) for error, output in hidden), errors[-1]]


def _of_backprop(pairs, fed, y):
    """Minus the squared error's gradient by W h + b, of each layer."""
    slopes = [y - fed[-1] @ pairs[-1][0] - pairs[-1][1]]
    for (kernel, _), h in zip(pairs[:0:-1], fed[:0:-1], strict=True):
        slopes.insert(0, slopes[0] @ kernel.T * (1 - h**2))
    return slopes


def _descent(problem, fed, slopes):
    """The step of plain gradient descent, averaged over the batch."""
    rate = problem.weight_rate / problem.batch
    found = []
    for h, slope in zip(fed, slopes, strict=True):
        found += [rate * h.T @ slope, rate * slope.sum(axis=0)]
    return found
