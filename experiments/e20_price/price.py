"""What residuals do to the deployed network: measured, bounded, predicted, and their least price.

Everything here is NumPy in double precision, from a net's weights and the rows of its examples.
Pre-activations are z_t = f_t(z_{t-1}) with f_t(z) = s(z) W_t + b_t, f_1 = x W_1 + b_1; a residual
is what a target lies off the layer that is fed by the target before it.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

TINY = 1e-30


class Paths(NamedTuple):
    """The relaxed and the deployed path of a sigmoid net, by layer and example.

    Attributes:
        residuals: Norms `(layers, examples)`.
        secants: `(layers, examples)`: the factor by which a layer, the output included, enlarges
            the distance of the two paths; the first hidden layer has none.
        relaxed, deployed, predicted: Logits `(examples,)`: of the output fed by the last target, of
            the plain forward pass, and of that to first order in the residuals.
    """

    residuals: np.ndarray
    secants: np.ndarray
    relaxed: np.ndarray
    deployed: np.ndarray
    predicted: np.ndarray


def paths(weights: list[np.ndarray], targets: list[np.ndarray], x: np.ndarray) -> Paths:
    """Runs both paths.

    Args:
        weights: Kernels and biases in turn, of the hidden layers and the output.
        targets: Of each hidden layer, pre-activations `(examples, units)`.
        x: Inputs `(examples, features)`.
    """
    weights = [np.asarray(one, "float64") for one in weights]
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    (kernel, bias), *others = layers
    deployed = np.asarray(x, "float64") @ kernel + bias
    target = np.asarray(targets[0], "float64")
    first_order = deployed - target  # minus the first residual
    residuals, secants = [_norm(first_order)], []
    for place, (kernel, bias) in enumerate(others, start=1):
        before = _norm(deployed - target)
        fed, slope = expit(target), expit(target) * expit(-target)
        layer_own, deployed = fed @ kernel + bias, expit(deployed) @ kernel + bias
        first_order = (first_order * slope) @ kernel
        secants.append(_norm(deployed - layer_own) / np.maximum(before, TINY))
        if place < len(targets):
            target = np.asarray(targets[place], "float64")
            residuals.append(_norm(target - layer_own))
            first_order = first_order - (target - layer_own)
    relaxed = layer_own[:, 0]
    return Paths(
        np.array(residuals),
        np.array(secants),
        relaxed,
        deployed[:, 0],
        relaxed + first_order[:, 0],
    )


def measures(found: Paths, y: np.ndarray) -> dict[str, float]:
    """Losses, and means over examples of logarithms of ratios to base 10.

    Returns:
        task_loss, deployed_loss, predicted_loss: Cross-entropies of the three logits.
        bound_orders: By how much the bound sum_t (prod_{s > t} K_s) |r_t|, with the secants as
            Lipschitz constants, exceeds the distance d of both logits.
        price_orders: By how much sum_t |r_t|^2 exceeds the least that such a distance costs with
            these constants, d^2 / sum_t (prod_{s > t} K_s)^2.
        discount_orders: sum_t (prod_{s > t} K_s)^2, by which a squared distance is cheaper than at
            the output.
    """
    reach = np.cumprod(found.secants[::-1], axis=0)[::-1]  # from layer t to the output
    distance = np.maximum(np.abs(found.deployed - found.relaxed), TINY)
    bound = (reach * found.residuals).sum(axis=0)
    paid, discount = (found.residuals**2).sum(axis=0), (reach**2).sum(axis=0)
    return {
        "task_loss": _entropy(found.relaxed, y),
        "deployed_loss": _entropy(found.deployed, y),
        "predicted_loss": _entropy(found.predicted, y),
        "bound_orders": _orders(bound / distance),
        "price_orders": _orders(paid * discount / distance**2),
        "discount_orders": _orders(discount),
    }


def _norm(values) -> np.ndarray:
    return np.linalg.norm(values, axis=1)


def _entropy(logits, y) -> float:
    return float(np.logaddexp(0, np.where(y > 0.5, -logits, logits)).mean())


def _orders(ratios) -> float:
    return float(np.log10(np.maximum(ratios, TINY)).mean())
