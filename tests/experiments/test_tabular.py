"""The small data sets: parts, judgement and the choice of settings."""

import numpy as np
import pytest
from sklearn import metrics as sk

from experiments.common import tabular
from raikeras.datasets.uci_tables import standard_split


def test_parts_are_standardised_by_the_fitted_rows_and_disjoint():
    one = tabular.parts("diabetes", 3, held_out=0.2)
    x, y = tabular.SKLEARN["diabetes"](return_X_y=True)
    train, test = standard_split(len(x), 3)
    fit, valid = train[: round(0.8 * len(train))], train[round(0.8 * len(train)) :]
    np.testing.assert_allclose(one.x_fit.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(one.y_fit.std(), 1, rtol=1e-5)
    for rows, inputs, labels in (
        (fit, one.x_fit, one.y_fit),
        (valid, one.x_valid, one.y_valid),
        (test, one.x_test, one.y_test),
    ):
        scaled = (x[rows] - x[fit].mean(0)) / x[fit].std(0)
        np.testing.assert_allclose(inputs, scaled, atol=1e-4)
        np.testing.assert_allclose(labels[:, 0] * one.scale + y[fit].mean(), y[rows], rtol=1e-4)
    assert len(set(fit) | set(valid) | set(test)) == len(x)


def test_labels_stay_labels_and_a_constant_pixel_stays_finite():
    one = tabular.parts("digits", 0, held_out=0.2)
    assert one.y_fit.dtype == np.int32 and one.scale == 1 and np.isfinite(one.x_test).all()


def test_unknown_set_is_named():
    with pytest.raises(ValueError, match="concrete.*mnist.*Received: 'boston'"):
        tabular.parts("boston", 0, held_out=0.2)


def test_rmse_is_scikit_learns_in_the_targets_own_units():
    one = tabular.parts("diabetes", 0, held_out=0.2)
    outputs = np.random.default_rng(0).normal(size=one.y_test.shape)
    x, y = tabular.SKLEARN["diabetes"](return_X_y=True)
    rows = standard_split(len(x), 0)
    center = y[rows[0][: len(one.y_fit)]].mean()
    expected = sk.root_mean_squared_error(y[rows[1]], outputs[:, 0] * one.scale + center)
    found = tabular.judge("diabetes", outputs, one.y_test, one.scale)
    assert found["rmse"] == pytest.approx(expected, rel=1e-5)
    assert found["log_rmse"] == pytest.approx(np.log(expected), rel=1e-5)


def test_accuracy_and_likelihood_are_scikit_learns():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(40, 3)).astype("float32"), rng.integers(3, size=40)
    shares = np.exp(np.float64(logits)) / np.exp(np.float64(logits)).sum(1, keepdims=True)
    found = tabular.judge("wine", logits, labels, 1.0)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, shares.argmax(1)))
    assert found["nll"] == pytest.approx(sk.log_loss(labels, shares, labels=[0, 1, 2]))


def test_calibration_error_by_hand():
    """Confidences .95 (two of three right), .55 (one of one) and 1 (one of one).

    Their bins are the last, the ninth and the last of fifteen, so the last one holds four examples,
    mean confidence .9625, three right: the error is 4/5 |.75 - .9625| + 1/5 |1 - .55| = .26.
    """
    confidence = np.array([0.95, 0.95, 0.95, 0.55, 1 - 1e-12])
    labels = np.array([0, 0, 1, 0, 0])
    logs = np.log(np.column_stack([confidence, 1 - confidence]))
    found = tabular.reliability(logs, labels)
    assert found[0][[8, 14]].tolist() == [1, 4] and found[0].sum() == 5
    assert tabular.calibration_error(*found) == pytest.approx(0.26)


def test_what_is_not_finite_is_never_chosen():
    assert np.isnan(tabular.judge("wine", np.full((2, 3), np.nan), np.array([0, 1]), 1.0)["ece"])
    assert tabular.score({"rmse": np.nan}) == np.inf
    better, worse = ({"accuracy": a, "nll": n} for a, n in ((0.95, 2.0), (0.9, 0.1)))
    assert tabular.score(better) < tabular.score(worse)
    assert tabular.score(better | {"nll": 1.0}) < tabular.score(better)
