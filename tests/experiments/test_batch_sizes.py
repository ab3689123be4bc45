"""e07's batch sizes: orders, trials, and nets side by side that equal e07's plain `fit`."""

from pathlib import Path

import keras
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
if keras.backend.backend() != "jax":
    pytest.skip("the sweep maps JAX programs", allow_module_level=True)

from experiments.common import minibatch
from experiments.driver.profiles import script_settings
from experiments.e07_batches import batch_sizes
from experiments.e07_minibatch import methods

SETTINGS = script_settings(ROOT / "experiments" / "e07_batches" / "experiment.py")
TINY = SETTINGS | {"hidden_units": [4, 4], "visits": 2, "together": 2, "timed_epochs": 1}
TINY |= {"timed_seconds": 0.0, "long_visits": 0}
OLD = script_settings(ROOT / "experiments" / "e07_minibatch" / "experiment.py")


@pytest.fixture
def few(monkeypatch):
    """Twelve training and five test examples."""
    x, y, *_ = minibatch.images({"dataset": "digits", "held_out": 0, "train_examples": 17})
    data = [x[:12], y[:12], x[12:], y[12:]]
    monkeypatch.setattr(batch_sizes, "images", lambda settings: data)
    return data


def test_each_example_is_visited_equally_often_whatever_the_repeats():
    for size, repeats in ((1, 1), (3, 1), (3, 4), (12, 2)):
        settings = {"visits": 4, "repeats": repeats}
        order = batch_sizes.batches(settings, size, [0, 1], 12)
        assert order.shape == (2, 4 * 12 // size, size)
        for own in order:
            np.testing.assert_array_equal(np.bincount(own.ravel()), np.full(12, 4))
            blocks = own.reshape(-1, repeats, size)
            assert (blocks == blocks[:, :1]).all()
        assert (order[0] != order[1]).any()
    with pytest.raises(ValueError, match="visits=6, repeats=4"):
        batch_sizes.batches({"visits": 6, "repeats": 4}, 1, [0], 12)


@pytest.mark.parametrize("method, changes", [
    ("bp", {}),
    ("learned", {"refresh_every": 2, "repeats": 2, "at": "post_activation"}),
    ("inferred", {"inner_steps": 2}),
])  # fmt: skip
def test_nets_side_by_side_equal_the_other_experiments_fit(few, method, changes):
    settings = TINY | changes | {"method": method}
    choices, seeds, size = [(1e-2, 3.0), (3e-2, 12.0)], [4, 5], 5
    accuracy, loss = batch_sizes.trained(settings, size, choices, seeds, few)
    order = batch_sizes.batches(settings, size, seeds, len(few[0]))
    x, y, x_test, y_test = few
    run, (rate, weight) = 1, choices[1]
    keras.utils.set_random_seed(seeds[run])
    net = minibatch.classifier([x.shape[1], *settings["hidden_units"], 10])
    own = OLD | {key: settings[key] for key in ("hidden_units", "target_rate", "method", "at")}
    own |= {key: settings[key] for key in ("inner_steps", "refresh_every")}
    own |= {"learning_rate": rate, "hidden_weight": weight, "batch_size": size}
    model = methods.method(net, own, order.shape[1], len(x))
    for ids in order[run]:
        inputs = {"inputs": x[ids], "example_id": ids} if method == "learned" else x[ids]
        stream = Once(inputs, y[ids])
        model.fit(stream, epochs=1, verbose=0)
    logits = net.predict(x_test, verbose=0).astype("float64")
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(chances[np.arange(5), y_test]).mean()
    assert loss[run] == pytest.approx(expected, rel=2e-4)
    assert accuracy[run] == (logits.argmax(axis=1) == y_test).mean()


class Once(keras.utils.PyDataset):
    """One batch."""

    def __init__(self, x, y):
        super().__init__()
        self._batch = x, y

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self._batch


def test_tuning_takes_the_most_accurate_trial_then_the_lowest_loss(monkeypatch):
    def trained(settings, size, trials, seeds, data):
        assert set(seeds) == {batch_sizes.TUNED_WITH}
        return np.array([0.8, 0.9, 0.9, 0.7]), np.array([0.1, np.nan, 0.5, 0.2])

    monkeypatch.setattr(batch_sizes, "trained", trained)
    settings = TINY | {"learning_rates": [1e-3, 1e-2], "hidden_weights": [1.0, 9.0]}
    chosen, accuracies = batch_sizes.tuned(settings, 4)
    assert chosen == (1e-2, 1.0)  # the third of (rate, weight), the second one diverged
    assert accuracies.tolist() == [0.8, 0.9, 0.9, 0.7]


def test_a_run_holds_every_size_and_its_costs(few):
    settings = TINY | {"method": "learned", "batch_sizes": [4, 0], "hidden_weights": [3.0]}
    run = {"settings": settings, "seed": 1, "started": 0.0, "printed": 1e99}
    (first, curves), (second, _) = batch_sizes.measured(run)
    wanted = {"accuracy_4", "accuracy_all", "from_batches"}
    assert set(second) == wanted
    assert set(first) == wanted | {"epoch_4_seconds", "epoch_all_seconds", "store_bytes"}
    assert first["store_bytes"] == 12 * (4 + 4) * 4 + 12 * 4  # rows and ages
    assert second["from_batches"] == second["accuracy_4"] - second["accuracy_all"]
    assert np.shape(curves["trials"]) == (2, 2)
    with pytest.raises(ValueError, match="seed=2"):
        batch_sizes.measured(run | {"seed": 2})


def test_a_whole_batch_may_have_as_many_steps_as_small_ones(few, monkeypatch):
    asked = []
    real = batch_sizes.trained

    def noted(settings, size, choices, *args):
        asked.append((settings["visits"], size, len(choices)))
        return real(settings, size, choices, *args)

    monkeypatch.setattr(batch_sizes, "trained", noted)
    settings = TINY | {"method": "bp", "batch_sizes": [4], "long_visits": 6}
    run = {"settings": settings, "seed": 1, "started": 0.0, "printed": 1e99}
    found = batch_sizes.measured(run)
    assert asked == [(2, 4, 2), (2, 4, 2), (6, 0, 2), (6, 0, 2)]
    assert all(0 <= metrics["accuracy_long"] <= 1 for metrics, _ in found)


def test_the_middle_size_is_the_median_of_the_parts():
    assert batch_sizes.middle([1, 4, 16, 64, 256, 0]) == 16
    assert batch_sizes.middle([64, 0]) == 64
