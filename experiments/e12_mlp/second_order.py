"""Second order on a small net, in double precision: the exact Hessian and what is made of it (C18).

Newton's step with damping, its Hessian-free twin by conjugate gradients, SciPy's BFGS, L-BFGS and
nonlinear conjugate gradients, beside the plain gradient.
"""

import jax
import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import make_moons


def double(function):
    """`function` compiled for double precision, whatever the default; NumPy in and out."""
    compiled = jax.jit(function)

    def call(*arguments):
        with jax.enable_x64(True):
            return np.asarray(compiled(*arguments))

    return call


class Problem:
    """Logistic loss of a tanh net with one hidden layer on Moons, plus HALF `penalty` |w|^2.

    Weights are one vector: hidden kernel, hidden biases, output kernel, output bias.

    Attributes:
        loss, gradient, hessian: Functions of the weights; nats, means over the examples.
        product: Function of weights and a vector, the Hessian times the vector without the Hessian.
    """

    def __init__(self, examples, noise, hidden, penalty, seed):
        x, classes = make_moons(n_samples=examples, noise=noise, random_state=seed)
        signs = np.where(classes, 1.0, -1.0)
        self.hidden, self.size = hidden, 4 * hidden + 1

        def loss(weights):
            kernel, bias, output = np.split(np.arange(self.size - 1), [2 * hidden, 3 * hidden])
            units = jax.numpy.tanh(x @ weights[kernel].reshape(2, hidden) + weights[bias])
            logits = units @ weights[output] + weights[-1]
            return jax.nn.softplus(-signs * logits).mean() + penalty / 2 * weights @ weights

        def product(weights, vector):
            return jax.jvp(jax.grad(loss), (weights,), (vector,))[1]

        self.loss, self.gradient = double(loss), double(jax.grad(loss))
        self.hessian, self.product = double(jax.hessian(loss)), double(product)

    def start(self, seed) -> np.ndarray:
        """Glorot's uniform start, biases zero."""
        rng, hidden = np.random.default_rng([15, seed]), self.hidden
        limits = np.sqrt([6 / (2 + hidden), 6 / (hidden + 1)])
        kernel, output = (
            rng.uniform(-limit, limit, size)
            for limit, size in zip(limits, (2 * hidden, hidden), strict=True)
        )
        return np.concatenate([kernel, np.zeros(hidden), output, [0.0]])


class Trace:
    """Weights, loss, gradient's length and cost after every iteration.

    The cost counts gradients and Hessian-vector products as one each, a Hessian as one for each
    weight, and a loss alone as one, too.
    """

    def __init__(self, problem):
        self._problem = problem
        self.cost = 0
        self.points, self.losses, self.lengths, self.costs = [], [], [], []

    def note(self, weights):
        """Takes down where an iteration ended; this costs nothing."""
        self.points.append(np.array(weights))
        self.losses.append(float(self._problem.loss(weights)))
        self.lengths.append(float(np.linalg.norm(self._problem.gradient(weights))))
        self.costs.append(self.cost)


# Steps


def damped_step(hessian, gradient, damping):
    """-(H + damping I)^-1 g, or none where that matrix is not positive definite."""
    matrix = hessian + damping * np.eye(len(gradient))
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return None
    return -np.linalg.solve(matrix, gradient)


def conjugate_gradients(product, right, tolerance, limit):
    """Solves `A x = right` by products with A: `(x, products, whether curvature was positive)`.

    Hestenes & Stiefel (1952). It ends when the residual is `tolerance` of the right side.
    """
    x, residual = np.zeros_like(right), right.copy()
    direction, squared = residual.copy(), residual @ residual
    goal = tolerance**2 * squared
    for number in range(limit):
        if squared <= goal:
            return x, number, True
        image = product(direction)
        curvature = direction @ image
        if curvature <= 0:
            return x, number + 1, False
        x = x + squared / curvature * direction
        residual = residual - squared / curvature * image
        squared, before = residual @ residual, squared
        direction = residual + squared / before * direction
    return x, limit, True


def newton(problem, weights, iterations, damping, hessian_free=False):
    """Damped Newton: the damping falls after a step that lowers the loss and rises otherwise.

    Levenberg's and Marquardt's scheme; a step that needs more damping is an iteration that
    stays. Without a Hessian, conjugate gradients run until the residual is a thousandth.
    """
    trace = Trace(problem)
    trace.note(weights)
    hessian = None
    for _ in range(iterations):
        loss, gradient = problem.loss(weights), problem.gradient(weights)
        trace.cost += 1
        if hessian_free:
            step, products, positive = hessian_free_step(problem, weights, gradient, damping)
            trace.cost += products
            step = step if positive else None
        else:
            if hessian is None:
                hessian = problem.hessian(weights)
                trace.cost += problem.size
            step = damped_step(hessian, gradient, damping)
        trace.cost += step is not None
        if step is not None and problem.loss(weights + step) < loss:
            weights, hessian, damping = weights + step, None, damping / 3
        else:
            damping *= 4
        trace.note(weights)
    return trace


def hessian_free_step(problem, weights, gradient, damping, tolerance=1e-3):
    """The damped step from Hessian-vector products alone; see `conjugate_gradients`."""

    def product(vector):
        return problem.product(weights, vector) + damping * vector

    return conjugate_gradients(product, -gradient, tolerance, 10 * problem.size)


def descent(problem, weights, iterations, rate, momentum=0.0):
    """Gradient steps, with momentum if asked."""
    trace, velocity = Trace(problem), np.zeros_like(weights)
    trace.note(weights)
    for _ in range(iterations):
        velocity = momentum * velocity - rate * problem.gradient(weights)
        weights = weights + velocity
        trace.cost += 1
        trace.note(weights)
    return trace


def by_scipy(problem, weights, iterations, method):
    """BFGS, L-BFGS-B or CG of SciPy, their line searches' evaluations counted."""
    trace = Trace(problem)
    trace.note(weights)

    def both(point):
        trace.cost += 1
        return float(problem.loss(point)), problem.gradient(point)

    options = {"maxiter": iterations} | ({"ftol": 0.0} if method == "L-BFGS-B" else {})
    minimize(
        both,
        weights,
        jac=True,
        method=method,
        callback=lambda point: trace.note(point),
        options=options | {"gtol": 1e-9},
    )
    return trace


# The damped step between Newton's and the gradient's


def damping_path(hessian, gradient, dampings):
    """Angles in degrees to -g and to Newton's step, and the length, of the step by damping.

    From the Hessian's eigenvectors, so that it is defined also where the matrix is indefinite.
    """
    values, vectors = np.linalg.eigh(hessian)
    inside = vectors.T @ gradient
    whole = -inside / values
    steps = -inside / (values + np.asarray(dampings)[:, None])
    return {
        "to_gradient": angles(steps, -inside),
        "to_newton": angles(steps, whole),
        "length": np.linalg.norm(steps, axis=1),
        "newton_error": np.linalg.norm(steps - whole, axis=1) / np.linalg.norm(whole),
        "gradient_error": np.linalg.norm(steps * np.asarray(dampings)[:, None] + inside, axis=1)
        / np.linalg.norm(gradient),
    }


def angles(steps, direction):
    """Degrees between each row and a direction, exact also for tiny angles."""
    units = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    unit = direction / np.linalg.norm(direction)
    return np.degrees(
        2 * np.arctan2(np.linalg.norm(units - unit, axis=1), np.linalg.norm(units + unit, axis=1))
    )
