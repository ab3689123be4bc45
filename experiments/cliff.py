"""The cliff of e03: one weight used many times over, its loss, and descent with and without clips.

h_t = w sigmoid(h_{t-1}) + b from h_0 = 0, with the loss (sigmoid(h_T) - goal)^2 (Pascanu et al.
2013). Below b = -w / 2 the state falls to the lower of two rests, above it rises to the higher one:
in between the loss is a wall.
"""

import numpy as np
from scipy.special import expit


def loss_and_slope(weight, bias, steps, goal):
    """The loss and its derivatives by weight and bias, float64, elementwise over arrays."""
    state, by_weight, by_bias = (np.zeros(np.shape(weight)) for _ in range(3))
    for _ in range(steps):
        value = expit(state)
        slope = weight * value * (1 - value)
        state, by_weight, by_bias = (
            weight * value + bias,
            value + slope * by_weight,
            1 + slope * by_bias,
        )
    out = expit(state)
    outer = 2 * (out - goal) * out * (1 - out)
    return (out - goal) ** 2, outer * by_weight, outer * by_bias


def descent(settings, clip=None):
    """Gradient descent: weights and losses before each step and after the last.

    Args:
        settings: `start` (weight, bias), `cliff_rate`, `cliff_iterations`, `cliff_steps`, `goal`.
        clip: Largest norm of a gradient, `None` for none.
    """
    place, weights, losses = np.array(settings["start"]), [], []
    for _ in range(settings["cliff_iterations"] + 1):
        loss, *gradient = loss_and_slope(*place, settings["cliff_steps"], settings["goal"])
        weights.append(float(place[0]))
        losses.append(float(loss))
        gradient = np.array(gradient)
        norm = np.linalg.norm(gradient)
        if clip is not None and norm > clip:
            gradient *= clip / norm
        place = place - settings["cliff_rate"] * gradient
    return weights, losses


def measured(settings):
    """Metrics and curves: the cut along the weight, its slope, and both descents."""
    low, high = settings["cut"]
    grid = np.linspace(low, high, settings["cut_points"])
    bias = settings["start"][1]
    loss, slope, _ = loss_and_slope(grid, bias, settings["cliff_steps"], settings["goal"])
    metrics, curves = {"steepest": np.max(np.abs(slope))}, {"weight": grid, "loss": loss}
    curves["slope"] = np.abs(slope)
    for name, clip in (("plain", None), ("clipped", settings["clip"])):
        weights, losses = descent(settings, clip)
        jumps = np.abs(np.diff(weights))
        curves |= {f"{name}_weight": weights, f"{name}_losses": losses}
        metrics |= {f"{name}_final_loss": losses[-1], f"{name}_jump": jumps.max()}
    return metrics, curves
