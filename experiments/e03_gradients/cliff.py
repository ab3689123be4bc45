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
    """Gradient descent in the weight: weights and losses before each step and after the last.

    Args:
        settings: `start` (weight, bias), `cliff_rate`, `cliff_iterations`, `cliff_steps`, `goal`.
        clip: Largest size of the slope, `None` for none.
    """
    (weight, bias), weights, losses = settings["start"], [], []
    for _ in range(settings["cliff_iterations"] + 1):
        loss, slope, _ = loss_and_slope(weight, bias, settings["cliff_steps"], settings["goal"])
        weights.append(float(weight))
        losses.append(float(loss))
        if clip is not None:
            slope = np.clip(slope, -clip, clip)
        weight = weight - settings["cliff_rate"] * slope
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
        late = np.array(weights[len(weights) // 2 :])
        metrics[f"{name}_away"] = np.abs(late + 2 * bias).max()  # from the wall
        curves |= {f"{name}_weight": weights, f"{name}_losses": losses}
        metrics |= {f"{name}_final_loss": losses[-1], f"{name}_jump": jumps.max()}
    return metrics, curves
