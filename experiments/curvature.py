"""What e12 measures with `second_order`: the damped step, and seven methods on the same starts."""

import numpy as np
import second_order
from second_order import Problem

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
    end = None
    for name in METHODS:
        weights, trace, rate = solve(name, problem, start, settings)
        end = weights if name == "newton" else end
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
    """One method from the start: weights, trace and, for those that have one, the best rate."""
    iterations = settings["iterations"]
    if name in FIRST:
        tried = [
            (*second_order.descent(problem, start, settings["steps"], rate, FIRST[name]), rate)
            for rate in settings["learning_rates"]
        ]
        return min(tried, key=lambda one: np.nan_to_num(one[1].lengths[-1], nan=np.inf))
    if name in SCIPY:
        return *second_order.by_scipy(problem, start, iterations, SCIPY[name]), None
    free = name == "hessian_free"
    return *second_order.newton(problem, start, iterations, settings["damping"], free), None


def _damping(metrics, curves, problem, start, end, settings):
    """The damped step by damping, at the start and where the Hessian is positive definite."""
    for place, weights in (("start", start), ("end", _off(problem, end))):
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
    damping = np.abs(values).max() / 100
    by_products, _, _ = second_order._by_products(problem, weights, gradient, damping, 1e-13)
    explicit = second_order.damped_step(hessian, gradient, damping)
    metrics["hessian_free_error"] = np.linalg.norm(by_products - explicit) / np.linalg.norm(
        explicit
    )


def _off(problem, end, step=0.05):
    """A point near a minimum whose Hessian is positive definite: the end moved a little.

    At the minimum itself the gradient is rounding error. The move is along the direction (1, ..,
    1) and is halved until the Hessian is positive definite.
    """
    for _ in range(30):
        weights = end + step
        if np.linalg.eigvalsh(problem.hessian(weights)).min() > 0:
            return weights
        step /= 2
    return end
