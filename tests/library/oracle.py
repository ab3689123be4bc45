"""An independent NumPy implementation of RAI for a chain of Dense layers, by hand-made gradients.

Pre-activation targets z_t for every layer, the output's too: z_{t-1} feeds layer t through the
activation, the mismatch is the mean over examples and units of (z_t - zhat_t)^2.
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def forward(kernels, biases, x):
    """Pre-activations of all layers of the plain network."""
    values, inputs = [], x
    for kernel, bias in zip(kernels, biases, strict=True):
        values.append(inputs @ kernel + bias)
        inputs = sigmoid(values[-1])
    return values


def losses(kernels, biases, targets, x, y, hidden_weight):
    """Task and weighted hidden loss on the relaxed path, with a mean binary cross-entropy."""
    inputs = [x, *[sigmoid(target) for target in targets[:-1]]]
    hidden = sum(
        np.mean((a @ kernel + bias - target) ** 2)
        for a, kernel, bias, target in zip(inputs, kernels, biases, targets, strict=True)
    )
    output = sigmoid(targets[-1])
    task = -np.mean(y * np.log(output) + (1 - y) * np.log(1 - output))
    return task, hidden_weight * hidden


def gradients(kernels, biases, targets, x, y, hidden_weight):
    """Gradients of the whole objective by kernels, biases and targets."""
    inputs = [x, *[sigmoid(target) for target in targets[:-1]]]
    by_kernel, by_bias, by_target = [], [], [np.zeros_like(target) for target in targets]
    for t, (a, kernel, bias, target) in enumerate(
        zip(inputs, kernels, biases, targets, strict=True)
    ):
        error = 2 * hidden_weight * (a @ kernel + bias - target) / target.size
        by_kernel.append(a.T @ error)
        by_bias.append(error.sum(axis=0))
        by_target[t] -= error
        if t:
            by_target[t - 1] += (error @ kernel.T) * a * (1 - a)
    by_target[-1] += (sigmoid(targets[-1]) - y) / y.size
    return by_kernel, by_bias, by_target
