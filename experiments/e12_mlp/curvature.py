"""What e12 measures with `second_order`: the damped step, and seven methods on the same starts."""

import numpy as np

from experiments.e12_mlp import second_order
from experiments.e12_mlp.second_order import Problem

SCIPY = {"bfgs": "BFGS", "lbfgs": "L-BFGS-B", "conjugate": "CG"}
FIRST = {"gradient": 0.0, "momentum": 0.9}
METHODS = (*FIRST, *SCIPY, "newton", "hessian_free")


def measure(run):
    """Metrics and curves of the topic `second_order`, for `results.save`."""
    settings, seed = run["settings"], run["seed"]
    (hidden,) = settings["hidden_units"]
    problem = Problem(settings["examples"], settings["noise"], hidden, settings["penalty"], seed)
    start = problem.start(seed)
    metrics, curves = {"weights": problem.size}, {}
    for name in METHODS:
        trace, rate = solve(name, problem, start, settings)
        if name == "newton":
            end = first_convex(problem, trace.points)
        reached = np.flatnonzero(np.array(trace.lengths) <= settings["wanted_length"])
        at = int(reached[0]) if len(reached) else None
        metrics[f"{name}_reached_share"] = int(at is not None)
        metrics[f"{name}_iterations"] = at
        metrics[f"{name}_evaluations"] = None if at is None else trace.costs[at]
        metrics[f"{name}_final_loss"] = trace.losses[-1]
        if rate:
            metrics[f"{name}_rate"] = rate
        curves[f"{name}_length"] = [float(f"{value:.4g}") for value in trace.lengths]
        curves[f"{name}_cost"] = trace.costs
    _damping(metrics, curves, problem, start, end, settings)
    return metrics, curves, "ok"


def solve(name, problem, start, settings):
    """One method from the start: its trace and, if it has one, its best rate."""
    iterations = settings["iterations"]
    if name in FIRST:
        tried = [
            (second_order.descent(problem, start, settings["steps"], rate, FIRST[name]), rate)
            for rate in settings["learning_rates"]
        ]
        return min(tried, key=lambda one: np.nan_to_num(one[0].lengths[-1], nan=np.inf))
    if name in SCIPY:
        return second_order.by_scipy(problem, start, iterations, SCIPY[name]), None
    free = name == "hessian_free"
    return second_order.newton(problem, start, iterations, settings["damping"], free), None


def _damping(metrics, curves, problem, start, end, settings):
    """The damped step by damping, at the start and where the Hessian is positive definite."""
    for place, weights in (("start", start), ("end", end)):
        hessian, gradient = problem.hessian(weights), problem.gradient(weights)
        values = np.linalg.eigvalsh(hessian)
        metrics[f"{place}_negative_share"] = np.mean(values < 0)
        metrics[f"{place}_condition"] = np.abs(values).max() / np.abs(values).min()
        wide = settings["wide"]
        dampings = np.geomspace(
            np.abs(values).min() / wide, np.abs(values).max() * wide, settings["points"]
        )
        found = second_order.damping_path(hessian, gradient, dampings)
        curves[f"{place}_damping"] = dampings / np.abs(values).max()
        for name in ("to_gradient", "to_newton", "length"):
            curves[f"{place}_{name}"] = [float(f"{value:.5g}") for value in found[name]]
        metrics[f"{place}_newton_error"] = found["newton_error"][0]
        metrics[f"{place}_gradient_error"] = found["gradient_error"][-1]
        metrics[f"{place}_turn_error"] = max(0.0, np.diff(found["to_gradient"]).max())
        metrics[f"{place}_growth_error"] = max(
            0.0, (np.diff(found["length"]) / found["length"][:-1]).max()
        )
        newton = -np.linalg.solve(hessian, gradient)
        metrics[f"{place}_uphill_share"] = int(newton @ gradient > 0)
    metrics["hessian_free_error"] = hessian_free_error(problem, end)
    for name, factor in (("half", 0.5), ("whole", 1.0)):
        metrics[f"taylor_{name}_slope"] = taylor_order(problem, start, factor)


def hessian_free_error(problem, weights):
    """Difference of the damped steps with and without a Hessian, relative to their length.

    The damping lies a hundredth of the largest eigenvalue above the least that is possible.
    """
    hessian, gradient = problem.hessian(weights), problem.gradient(weights)
    values = np.linalg.eigvalsh(hessian)
    damping = max(0, -values[0]) + np.abs(values).max() / 100
    explicit = second_order.damped_step(hessian, gradient, damping)
    step, _, _ = second_order.hessian_free_step(problem, weights, gradient, damping, 1e-13)
    return np.linalg.norm(step - explicit) / np.linalg.norm(explicit)


def taylor_order(problem, weights, factor):
    """At which power of the step the loss leaves g.d + factor * d.H.d: 3 if the factor is 1/2."""
    hessian, gradient = problem.hessian(weights), problem.gradient(weights)
    direction = -gradient / np.linalg.norm(gradient)
    steps = np.geomspace(1e-3, 1e-1, 9)
    linear, square = gradient @ direction, direction @ hessian @ direction
    rest = [
        problem.loss(weights + t * direction)
        - problem.loss(weights)
        - t * linear
        - factor * t**2 * square
        for t in steps
    ]
    return np.polyfit(np.log(steps), np.log(np.abs(rest)), 1)[0]


def first_convex(problem, points):
    """The first of the points whose Hessian is positive definite, or the last one."""
    for weights in points:
        if np.linalg.eigvalsh(problem.hessian(weights)).min() > 0:
            return weights
    return points[-1]
