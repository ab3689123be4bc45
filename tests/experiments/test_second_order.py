"""Second order: Hessian, damped steps and their limits against differences, solves and SciPy."""

import numpy as np
import pytest
from scipy.optimize import check_grad, rosen, rosen_der

pytest.importorskip("jax", reason="the study differentiates with JAX")

from experiments.e12_mlp import second_order
from experiments.e12_mlp.curvature import first_convex, hessian_free_error, taylor_order
from experiments.e12_mlp.second_order import Problem, conjugate_gradients, damped_step, damping_path


@pytest.fixture(scope="module")
def problem():
    return Problem(examples=40, noise=0.2, hidden=3, penalty=1e-2, seed=0)


@pytest.fixture(scope="module")
def start(problem):
    return problem.start(0)


def test_loss_is_the_mean_logistic_loss_plus_half_the_penalty(problem, start):
    from sklearn.datasets import make_moons

    x, classes = make_moons(n_samples=40, noise=0.2, random_state=0)
    total = 0.0
    for point, label in zip(x, classes, strict=True):
        units = [np.tanh(point @ start[[j, 3 + j]] + start[6 + j]) for j in range(3)]
        share = 1 / (1 + np.exp(-(np.dot(units, start[9:12]) + start[12])))
        total -= np.log(share if label else 1 - share)
    wanted = total / 40 + 1e-2 / 2 * np.sum(start**2)
    assert float(problem.loss(start)) == pytest.approx(wanted, rel=1e-12)


def test_gradient_and_hessian_are_those_of_differences(problem, start):
    assert problem.gradient(start).dtype == np.float64
    assert check_grad(lambda w: float(problem.loss(w)), problem.gradient, start) < 1e-6
    step, columns = 1e-6, []
    for unit in np.eye(problem.size) * step:
        columns.append((problem.gradient(start + unit) - problem.gradient(start - unit)) / 2 / step)
    hessian = problem.hessian(start)
    np.testing.assert_allclose(hessian, np.array(columns), atol=1e-8)
    vector = np.random.default_rng(0).normal(size=problem.size)
    np.testing.assert_allclose(problem.product(start, vector), hessian @ vector, atol=1e-12)


def test_damped_step_is_a_solve_and_none_where_the_matrix_is_indefinite():
    hessian = np.array([[2.0, 1.0], [1.0, -1.0]])
    gradient = np.array([1.0, -2.0])
    assert damped_step(hessian, gradient, 1.0) is None
    step = damped_step(hessian, gradient, 3.0)
    np.testing.assert_allclose((hessian + 3 * np.eye(2)) @ step, -gradient)


def test_conjugate_gradients_solve_and_see_negative_curvature():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(8, 8))
    matrix, right = root @ root.T + np.eye(8), rng.normal(size=8)
    x, products, positive = conjugate_gradients(lambda v: matrix @ v, right, 1e-12, 50)
    assert positive and products <= 12
    np.testing.assert_allclose(x, np.linalg.solve(matrix, right), rtol=1e-8)
    matrix[0, 0] = -100
    assert not conjugate_gradients(lambda v: matrix @ v, right, 1e-12, 50)[2]


def test_damping_path_has_the_solves_between_its_limits():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(5, 5))
    hessian, gradient = root @ root.T + 0.1 * np.eye(5), rng.normal(size=5)
    dampings = np.geomspace(1e-9, 1e9, 40)
    found = damping_path(hessian, gradient, dampings)
    newton = -np.linalg.solve(hessian, gradient)
    for number, damping in enumerate(dampings):
        step = -np.linalg.solve(hessian + damping * np.eye(5), gradient)
        assert found["length"][number] == pytest.approx(np.linalg.norm(step), rel=1e-6)
        for name, other in (("to_gradient", -gradient), ("to_newton", newton)):
            cosine = step @ other / np.linalg.norm(step) / np.linalg.norm(other)
            assert np.cos(np.radians(found[name][number])) == pytest.approx(cosine, abs=1e-9)
    assert found["newton_error"][0] < 1e-6 and found["gradient_error"][-1] < 1e-6
    assert np.diff(found["to_gradient"]).max() < 1e-9 and np.diff(found["to_newton"]).min() > -1e-9


def test_methods_reach_a_minimum_and_count_their_cost(problem, start):
    for free in (False, True):
        trace = second_order.newton(problem, start, 60, 1.0, free)
        assert trace.lengths[-1] < 1e-6
        assert np.diff(trace.losses).max() <= 0
        assert trace.costs[0] == 0 and np.diff(trace.costs).min() >= 1
    first = second_order.newton(problem, start, 1, 1e3)
    assert first.costs == [0, problem.size + 2]  # gradient, Hessian, the loss after the step
    end = first_convex(problem, trace.points)
    assert np.linalg.eigvalsh(problem.hessian(end)).min() > 0
    assert hessian_free_error(problem, end) < 1e-9


def test_descent_with_momentum_is_its_recursion(problem, start):
    trace = second_order.descent(problem, start, 2, 0.1, 0.9)
    first = -0.1 * problem.gradient(start)
    second = 0.9 * first - 0.1 * problem.gradient(start + first)
    np.testing.assert_allclose(trace.points[-1], start + first + second, atol=1e-14)


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG"])
def test_scipy_methods_run_from_the_start_and_are_counted(method):
    class Valley:
        loss, gradient = staticmethod(rosen), staticmethod(rosen_der)

    trace = second_order.by_scipy(Valley, np.array([-1.2, 1.0]), 200, method)
    np.testing.assert_allclose(trace.points[-1], [1.0, 1.0], atol=1e-5)
    assert trace.costs[0] == 0 and trace.costs[-1] >= len(trace.costs) - 1


def test_taylor_series_needs_its_half(problem, start):
    assert taylor_order(problem, start, 0.5) == pytest.approx(3, abs=0.1)
    assert taylor_order(problem, start, 1.0) == pytest.approx(2, abs=0.1)
